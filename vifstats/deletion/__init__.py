"""Influence results: who moves which parameter, and which target, by how much.

The sign of the whole package is fixed here: every value is *full data minus without the object*,

    dfbeta_i = theta^ - theta(-i),

the sign of ``dfbeta`` in R survival and of Eq. 4 of Deng, Tang & Ma (2025). A positive value
means that the object pulls the parameter up. Values are on the dfbeta scale (not times n).
"""

from vifstats.deletion.display import METHODS
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence

__all__ = ["METHODS", "Influence", "TargetInfluence"]

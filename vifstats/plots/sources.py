"""What a picture is drawn of: a result, its target, or a fit whose influence is computed for it."""

from typing import Any

from vifstats import checks
from vifstats.deletion.approximations import vif
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError

__all__ = ["influence_of"]


def influence_of(x: Source) -> Influence:
    """The influence on the parameters: of a result, or by `vif` of an estimate or a fit."""
    if isinstance(x, TargetInfluence):
        if not isinstance(x.source, Influence):
            raise InvalidInputError(
                "This picture is of the parameters of a model, but curves without a model have no "
                "parameters; use index_plot, target_plot or distribution_plot."
            )
        return x.source
    held = getattr(x, "influence", None)  # of the table without each group
    if isinstance(held, Influence):
        return held
    return x if isinstance(x, Influence) else vif(estimate_of(x))


def target_influence(x: Any) -> TargetInfluence:
    """The influence on a target, which no other result has."""
    change: TargetInfluence = checks.instance(
        x, TargetInfluence, "change", "vs.vif(est).on(target)"
    )
    return change

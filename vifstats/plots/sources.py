"""What a picture is drawn of: a result, its target, or a fit whose influence is computed for it."""

from typing import Any

import numpy as np

from vifstats import checks
from vifstats.deletion.approximations import vif
from vifstats.deletion.infinite_ends import is_separating
from vifstats.deletion.inputs import Source, estimate_of
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.plots.style import called
from vifstats.plots.style import position as parameter

__all__ = ["after", "influence_of", "is_scaled", "target_influence", "values_of"]

# A longer name has a line to itself.
LONG_NAME = 22


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


def values_of(x: Source, name: str | None) -> tuple[np.ndarray, str, Influence]:
    """One number for each row, what it is, and the influence on the parameters it is of."""
    if isinstance(x, TargetInfluence):
        k = x.position(name)
        absent = "without" if x.source.wording.past == "removed" else "edited"
        what = f"change of {called(x.table.columns[k])}, full minus {absent}"
        return x.influence[:, k], what, x.source
    influence = influence_of(x)
    if name is None:
        return influence.cooks_distance.to_numpy(), "Cook's distance", influence
    j = parameter(influence.estimate.names, name)
    # what is predicted without a row that separates means nothing
    values = np.where(is_separating(influence), np.nan, influence.dfbetas.to_numpy()[:, j])
    return values, f"dfbetas of{after(name)}", influence


def after(name: str) -> str:
    """A name after other words: a long one has a line of its own."""
    return ("\n" if len(str(name)) > LONG_NAME else " ") + called(name)


def is_scaled(x: Source, name: str | None) -> bool:
    """Whether the numbers are dfbetas, of which there is a convention."""
    return name is not None and not isinstance(x, TargetInfluence)

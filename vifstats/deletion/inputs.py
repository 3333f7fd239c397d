"""One noun opens every door: an estimate from whatever a verb is given."""

from typing import Any, TypeAlias

from vifstats.adapters import from_model, named_column
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.typing import FittedModel

__all__ = ["Source", "estimate_of", "named_column"]

# What every verb takes: an estimate, a result that has one, or a fitted model that keeps its data.
Source: TypeAlias = Estimate | Influence | TargetInfluence | FittedModel


def estimate_of(x: Source, *data: Any, **options: Any) -> Estimate:
    """The estimate that an Influence or a fitted model with its data stands for.

    Raises InvalidInputError where data or options come with an estimate, which has its own.
    """
    if isinstance(x, TargetInfluence):
        x = x.source
    if isinstance(x, Influence):
        x = x.estimate
    if not isinstance(x, Estimate):
        return from_model(x, *data, **options)
    if data or options:
        given = [*(["data"] if data else []), *options]
        raise InvalidInputError(
            f"An Estimate has its own data and settings, but {given} came with it; leave them out, "
            "or give those of the fit, such as weights, to from_model."
        )
    return x

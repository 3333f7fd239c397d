"""Several fitted models, or equations, as the steps of one estimator."""

import numpy as np
import pandas as pd

from vifstats.adapters import from_model
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate
from vifstats.losses.base import Loss
from vifstats.losses.stacked import Block, Stacked
from vifstats.typing import FittedModel

__all__ = ["block_of", "stack"]


def stack(**blocks: Estimate | Loss | FittedModel) -> Stacked:
    """Put the steps of one estimator together, so that a removal moves them all.

    Parameters
    ----------
    **blocks
        By name, in the order in which they are solved: an Estimate, a fitted model that keeps its
        data, or `Equations` and `RowEquations`, which may read the parameters of earlier blocks.

    Returns
    -------
    Stacked
        Equations for `root`, and what every verb takes once they are solved. Parameters are called
        "block: name".

    Raises
    ------
    InvalidInputError
        If the blocks have other rows, a block reads what is not before it, or does not say how
        many parameters it has.

    References
    ----------
    Newey & McFadden (1994), Handbook of Econometrics IV, section 6; docs/mathematics.md, equation
    (43).

    Examples
    --------
    A mean, and the variance around it:

    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> mean = vs.minimize(vs.MEstimator(lambda t, y: 0.5 * (y - t[0]) ** 2, y), [0.0], names=["m"])
    >>> def spread(t, y, m):
    ...     return (t[0] - (y - m[0]) ** 2)[:, None]
    >>> variance = vs.RowEquations(spread, y, names=["v"], reads=["mean"])
    >>> est = vs.root(stack(mean=mean, variance=variance), [0.0, 1.0])
    >>> est.params.round(4).to_dict()
    {'mean: m': 3.0, 'variance: v': 2.6667}
    """
    if not blocks:
        raise InvalidInputError("A stack needs at least one block, but none is given; name them.")
    return Stacked({name: block_of(name, given) for name, given in blocks.items()})


def block_of(name: str, given: Estimate | Loss | FittedModel, prefix: str | None = None) -> Block:
    """A block from what a user has for it; its parameters are called ``prefix`` and their name."""
    prefix = f"{name}: " if prefix is None else prefix
    if isinstance(given, Loss):
        return _of_equations(name, given, prefix)
    est = given if isinstance(given, Estimate) else from_model(given)
    return Block(
        est.loss,
        len(est.theta),
        tuple(prefix + own for own in est.names),
        est.labels[est.kept],
        est.theta,
    )


def _of_equations(name: str, equations: Loss, prefix: str) -> Block:
    names, n_params = equations.names, equations.n_params
    if n_params is None:
        raise InvalidInputError(
            f"A block must say how many parameters it has, but {name!r} does not; give `names` "
            "or `n_params`."
        )
    own = [f"theta{k}" for k in range(n_params)] if names is None else names
    labels = pd.Index(np.asarray(equations.labels))
    return Block(equations, n_params, tuple(prefix + n for n in own), labels)

"""Which coefficients are infinite without a row that separates, and in which direction."""

import numpy as np

from vifstats.deletion.result import Influence
from vifstats.losses.reduced import reduced

__all__ = ["MOST_ROWS", "infinite_without", "is_separating"]

# A few linear programs for each row; without more of them the fit is infinite in some way, and
# nothing is said of which.
MOST_ROWS = 25


def is_separating(influence: Influence) -> np.ndarray:
    """The rows without which some coefficient is infinite, bool (n_removals,).

    None where it is infinite with all rows already: then it is not the row that makes it so.

    Examples
    --------
    >>> import vifstats as vs
    >>> x = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    >>> est = vs.minimize(vs.losses.Cox(x[:, None], [2, 3, 6, 7, 4, 5], [1, 1, 1, 1, 0, 1]), [0.0])
    >>> is_separating(vs.vif(est)).tolist()
    [False, False, False, False, False, True]
    """
    if influence.estimate.separated:
        return np.zeros(len(influence.removals), dtype=bool)
    return influence.status.to_numpy() == "separation"


def infinite_without(influence: Influence) -> np.ndarray:
    """Where each coefficient goes without each row: 0 nowhere, else 1, -1, or nan for unknown.

    Shape (n_removals, n_params). A coefficient that goes nowhere is finite without the row, as all
    are without a row that does not separate.

    Examples
    --------
    Without the last row no event is left where x is 1, and its hazard ratio is 0:

    >>> import vifstats as vs
    >>> x = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    >>> est = vs.minimize(vs.losses.Cox(x[:, None], [2, 3, 6, 7, 4, 5], [1, 1, 1, 1, 0, 1]), [0.0])
    >>> infinite_without(vs.vif(est))[:, 0].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, -1.0]
    """
    est, rows = influence.estimate, np.flatnonzero(is_separating(influence))
    goes = np.zeros(influence.values.shape)
    goes[rows[MOST_ROWS:]] = np.nan
    for row in rows[:MOST_ROWS].tolist():
        left = influence.removals.presence(row) > 0
        goes[row] = reduced(est.loss, left).diverging(est.theta)
    return goes

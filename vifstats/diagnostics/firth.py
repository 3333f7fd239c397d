"""A fit again with Firth's penalty: finite estimates where the data are separated."""

from typing import Any

import numpy as np

from vifstats.deletion.inputs import Source, estimate_of
from vifstats.errors import InvalidTypeError, UnsupportedModelError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses.base import Loss
from vifstats.losses.cox import ExactCox, FirthCox
from vifstats.losses.firth import Firth
from vifstats.losses.regression import FirthLinearPredictor

__all__ = ["firth"]


def firth(est: Source, *data: Any) -> Estimate:
    """The same model with Firth's penalty, -1/2 log det of the information, fitted again.

    Parameters
    ----------
    est : Estimate, Influence or fitted model
        A Cox model with Efron's or Breslow's ties, or a logistic or Poisson regression with the
        canonical link, without a penalty.
    *data
        What a fitted model was fitted on, where it does not keep it.

    Returns
    -------
    Estimate
        Its estimates are finite on separation too. Standard errors are those of coxphf, logistf
        and firthmodels; see `Inference`.

    Raises
    ------
    InvalidTypeError
        If the loss has no information of that form.
    UnsupportedModelError
        If it has a penalty already, or exact ties.
    ConvergenceError
        If the minimum was not reached.

    Notes
    -----
    The information is that of the rows that are present. When a row leaves, the penalty changes
    for all others: so the loss is not a sum over rows, in regressions too, and the classical
    influence function, which is a derivative in the row's weight, differs from `vif`.

    A row may be the only one that identifies a coefficient. Without it the information is singular,
    the penalty has no value, and the row's influence is nan, with the status "undefined".

    References
    ----------
    Firth (1993), Biometrika 80, p. 27; Heinze & Schemper (2001), Biometrics 57, p. 114;
    docs/mathematics.md, equation (59).

    Examples
    --------
    All with x = 1 are cases, so the odds ratio is infinite:

    >>> import vifstats as vs
    >>> from vifstats.losses.row_losses import Logistic
    >>> X = np.column_stack([np.ones(8), [0, 0, 0, 0, 0, 1, 1, 1]])
    >>> y = np.array([0, 0, 1, 0, 1, 1, 1, 1.0])
    >>> loss = vs.losses.LinearPredictor(Logistic(), X, y, names=["one", "x"])
    >>> fit = vs.Estimate(loss, [-0.4, 20.0], tol=np.inf)
    >>> fit.separated
    True
    >>> firth(fit).params.round(3).to_dict()
    {'one': -0.336, 'x': 2.282}
    """
    est = estimate_of(est, *data)
    loss = _penalised(est.loss)
    # far along the way to infinity the penalty is all but straight
    start = np.zeros(len(est.theta)) if est.separated else est.theta
    return minimize(
        loss,
        start,
        names=est.names,
        labels=est.labels,
        profile=est.profile,
        kept=est.kept,
        groups=est.groups,
    )


def _penalised(loss: Loss) -> Loss:
    if not isinstance(loss, Cox | LinearPredictor):
        raise InvalidTypeError(
            "Firth's penalty is for Cox models and for logistic and Poisson regression, but this "
            f"loss is a {type(loss).__name__}; write the penalty into a loss of your own, as in "
            "the guide on separation."
        )
    if isinstance(loss, Firth):
        return loss
    if loss.penalty is not None:
        raise UnsupportedModelError(
            "Firth's penalty takes the place of another, but this fit has a ridge; fit it without "
            "a penalty first."
        )
    if isinstance(loss, ExactCox):
        raise UnsupportedModelError(
            "Firth's penalty is for Efron's and Breslow's ties, but these are exact; fit with "
            'ties="efron".'
        )
    return FirthCox.of(loss) if isinstance(loss, Cox) else FirthLinearPredictor.of(loss)

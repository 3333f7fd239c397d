"""One-line calls: each docstring gives the long form."""

from collections.abc import Callable
from typing import Any

from vifstats import checks
from vifstats.adapters import from_model
from vifstats.deletion.approximations import classical_if, newton_step, vif
from vifstats.deletion.refit_top import refit_top as with_refits
from vifstats.deletion.refits import leave_one_out
from vifstats.deletion.result import Influence
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import Cox
from vifstats.typing import ArrayLike1D, FittedModel, Groups, Penalty, TableLike

__all__ = ["vif_cox"]

METHODS: dict[str, Callable[[Estimate], Influence]] = {
    "if": classical_if,
    "vif": vif,
    "newton": newton_step,
    "refit": leave_one_out,
}


def vif_cox(
    fit: FittedModel,
    X: TableLike | None = None,
    T: ArrayLike1D | None = None,
    E: ArrayLike1D | None = None,
    *,
    entry: ArrayLike1D | None = None,
    weights: ArrayLike1D | None = None,
    strata: Groups | None = None,
    offset: ArrayLike1D | None = None,
    groups: Groups | None = None,
    ties: str | None = None,
    penalty: Penalty | None = None,
    method: str = "vif",
    refit_top: int = 0,
    tol: float = 1e-2,
) -> Influence:
    """Versatile Influence Function of a Cox model: not the variance inflation factor.

    How far every coefficient moves when a subject is left out: full data minus without.

    Parameters
    ----------
    fit : fitted model or array_like, shape (p,)
        A lifelines CoxPHFitter or CoxTimeVaryingFitter, statsmodels PHReg results, a
        scikit-survival CoxPHSurvivalAnalysis; or coefficients.
    X : DataFrame or array_like, shape (n, p), optional
        The covariates; or, for lifelines, the DataFrame of the fit alone, whose columns are
        found by the fit's own names. Not for statsmodels, which keeps its data.
    T : array_like, shape (n,), optional
        Times, in the units of the fit; or a structured array of (event, time).
    E : array_like of 0/1 or bool, shape (n,), optional
        None only if every row is an event, or T is structured.
    entry : array_like, shape (n,), optional
        Delayed entry: at risk strictly after it.
    weights : array_like, shape (n,), optional
        Case weights, > 0.
    strata : array_like, shape (n,) or (n, k), optional
    offset : array_like, shape (n,), optional
    groups : array_like, shape (n,), optional
        One label per row: groups leave whole and are the rows of the result.
    ties : {"efron", "breslow"}, optional
        Default the fit's; "efron" for coefficients.
    penalty : float or array_like, shape (p,) or (p, p), optional
        P of 0.5 theta' P theta in the units of X; refused when the fit carries its own.
    method : {"vif", "if", "newton", "refit"}
        The Versatile Influence Function, the classical influence function, one Newton step on
        the data without the subject, or exact refits.
    refit_top : int, default 0
        Refit without each of this many rows, those of largest Cook's distance, and put the exact
        values in their place.
    tol : float, default 1e-2
        How far from the minimum the fit may be, as a Newton step in standard errors.

    Returns
    -------
    Influence

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If an argument breaks a rule.
    DataMismatchError
        If the data are not those of the fit.
    UnsupportedModelError
        If the model, or a setting of it, cannot be taken.
    NotAtMinimumError
        If the coefficients do not minimise the loss on these data.

    Warns
    -----
    UserWarning
        If times that come with coefficients differ by rounding alone, such as 0.1 + 0.2 and 0.3:
        R's coxph ties them.

    See Also
    --------
    vifstats.from_model : The estimate of any fitted model.
    vifstats.vif : The influence of any estimate.

    Notes
    -----
    The long form of ``vif_cox(fit, X, T, E)``::

        est = vs.from_model(fit, X, T, E)
        influence = vs.vif(est)  # or classical_if, newton_step, leave_one_out

    References
    ----------
    Deng, Tang & Ma (2025), A Versatile Influence Function for Data Attribution with
    Non-Decomposable Loss, ICML; Eq. 4.

    Examples
    --------
    >>> import vifstats as vs
    >>> X, T, E = [[0.0], [1.0], [1.0], [0.0]], [1, 1, 2, 2], [1, 1, 1, 1]
    >>> vs.vif_cox([0.0], X, T, E).dfbeta.shape
    (4, 1)
    """
    compute = METHODS[checks.one_of(method, tuple(METHODS), "method")]
    refit_top = checks.whole_number(refit_top, "refit_top")
    options = {
        "entry": entry,
        "weights": weights,
        "strata": strata,
        "offset": offset,
        "groups": groups,
        "ties": ties,
        "penalty": penalty,
    }
    given = {name: value for name, value in options.items() if value is not None}
    with checks.matrices_in_place():
        est = from_model(fit, *_data(X, T, E), **given, tol=tol)
    if not isinstance(est.loss, Cox):
        raise UnsupportedModelError(
            f"vif_cox takes Cox models, but this is a {type(fit).__name__}; use "
            "vifstats.vif(vifstats.from_model(fit, ...))."
        )
    influence = compute(est)
    est.loss.own()
    return with_refits(influence, refit_top) if refit_top else influence


def _data(*given: Any) -> tuple:
    """The arguments that were given, without the missing ones at the end."""
    last = max((k for k, value in enumerate(given) if value is not None), default=-1)
    return given[: last + 1]

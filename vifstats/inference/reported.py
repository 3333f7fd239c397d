"""What a fit itself reports: the covariance its standard errors are of, and the distribution."""

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from vifstats import checks
from vifstats.errors import InvalidInputError, UnsupportedModelError

__all__ = ["Inference"]

COVARIANCES = {
    "naive": "dispersion * H^-1",
    "robust": "the infinitesimal jackknife (Huber-White, Lin-Wei)",
    "cluster": "robust to dependence within groups, with a small-sample correction",
    "HC0": "robust to heteroscedasticity (HC0)",
    "HC1": "robust to heteroscedasticity, times n / (n - p) (HC1)",
    "HC2": "robust to heteroscedasticity, squared residuals over 1 - h (HC2)",
    "HC3": "robust to heteroscedasticity, the jackknife by rows (HC3)",
    "CR3": "robust to dependence within groups, the jackknife by groups (CR3)",
    "lifelines' robust": "lifelines' robust, which breaks ties by the order of the rows",
    "statsmodels' robust": "PHReg's robust, with Breslow's residuals for any ties",
}
# Covariances that there are only by groups.
OF_GROUPS = ("cluster", "CR3")
DISTRIBUTIONS = ("normal", "t")
# Relative: what the unfinished optimisation of a fit leaves in its standard errors is below this.
SAME_ERRORS = 0.01
INFORMATION = ("observed", "expected", "firth")


@dataclass(frozen=True, eq=False)
class Inference:
    """Which covariance and which distribution the tests and intervals of a fit are based on.

    With everybody they give the standard errors, p-values and limits of the fit's own summary;
    after a removal, those of the same summary after a refit.

    Attributes
    ----------
    covariance : str
        "naive" is dispersion * H^-1. "robust" is the sum of s s' over rows, or over the sums of
        ``groups``, between two H^-1, with s the derivative of the gradient in a row's weight: Lin
        and Wei's for Cox, HC0 for sums over rows. "cluster" is that, by groups, times
        G/(G - 1) (n - 1)/(n - p). "HC0" to "HC3" are White's and MacKinnon and White's. "CR3" is
        the jackknife by ``groups``, Bell and McCaffrey's: for few clusters, where the others are
        too small; "HC3" is that by rows.
        "lifelines' robust" and "statsmodels' robust" are what these libraries report of a Cox
        model, see Notes.
    groups : array_like, shape (n_labels,), optional
        One label per row of the data: rows of one label are added up. For "robust", "cluster" and
        "CR3".
    distribution : {"normal", "t"}
        Of a parameter over its standard error.
    df : float, optional
        Degrees of freedom of t with everybody; default n - p, for "cluster" groups less one, for
        "CR3" of least squares Bell and McCaffrey's, else groups less one.
    information : {"observed", "expected", "firth"}
        Of the rows in H: expected for generalised linear models fitted by scoring, where it
        differs from the Hessian unless the link is canonical; "firth" for fits with Firth's
        penalty, see Notes.
    corrected : bool, optional
        Whether "cluster" has its small-sample correction; default True.
    factor : float
        A constant that the covariance is multiplied by.
    counts : array_like, shape (n_objects,), optional
        How many observations a row stands for (frequency weights); default 1.
    df_by : {"rows", "groups"}, optional
        What a removal takes off the degrees of freedom; default groups for "cluster" and "CR3".
    reported : array_like, shape (n_params,), optional
        The standard errors that the fit reports, to be found again by this covariance.
    refusal : str
        Why this covariance cannot be followed without a row; then there are no verdicts.

    Raises
    ------
    InvalidInputError
        If the covariance is unknown, "cluster" or "CR3" has no groups, or others have.

    Notes
    -----
    lifelines computes score residuals as if no two rows had the same time, in the order of time,
    then censored before events, then of the data, and without entries: with ties, Efron's method
    and delayed entry these are not Lin and Wei's. It is followed to the digit because it is what
    the summary says; ``est.with_inference("robust", groups=...)`` gives Lin and Wei's instead, as
    R's ``coxph(robust=TRUE)``. statsmodels' PHReg takes Breslow's score residuals for Efron fits
    too.

    Fits with Firth's penalty do not report the inverse Hessian of the penalised loss: coxphf and
    firthmodels invert the information without the penalty; for logistic regression logistf and
    firthmodels that of the augmented data, in which a row counts 1 + h times, h its leverage.

    Each deletion of "CR3", and of "HC3" of other losses than least squares, is one Newton step with
    the observed Hessian, which for least squares is the deletion itself.

    References
    ----------
    Heinze & Schemper (2001), Biometrics 57, p. 114, and (2002), Statistics in Medicine 21, p. 2409;
    White (1980), Econometrica 48, p. 821; MacKinnon & White (1985), J. Econometrics 29, p. 308;
    Lin & Wei (1989), J. Am. Statist. Ass. 84, p. 1075; Liang & Zeger (1986), Biometrika 73, p. 15;
    Bell & McCaffrey (2002), Survey Methodology 28, p. 169; docs/mathematics.md, equation (57).

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, np.array([1.0, 3.0, 5.0]))
    >>> est = vs.minimize(loss, [0.0], names=["mean"], inference=Inference("HC0"))
    >>> est.standard_errors.round(4)
    array([0.9428])
    """

    covariance: str = "naive"
    groups: Any = None
    distribution: str = "normal"
    df: float | None = None
    _: KW_ONLY
    information: str = "observed"
    corrected: bool | None = None
    factor: float = 1.0
    counts: np.ndarray | None = None
    df_by: str | None = None
    reported: np.ndarray | None = None
    refusal: str = ""

    def __post_init__(self) -> None:
        checks.one_of(self.distribution, DISTRIBUTIONS, "distribution")
        checks.one_of(self.information, INFORMATION, "information")
        self._require_kinds()
        if self.refusal:
            return
        checks.one_of(self.covariance, list(COVARIANCES), "covariance")
        if self.covariance in OF_GROUPS and self.groups is None:
            raise InvalidInputError(
                f'A "{self.covariance}" covariance needs `groups`, but they are not given; pass '
                "one label per row, such as df['id']."
            )
        if self.groups is not None and self.covariance in ("naive", "HC0", "HC1", "HC2", "HC3"):
            raise InvalidInputError(
                f"`groups` are for a robust or cluster covariance, but `covariance` is "
                f'{self.covariance!r}; leave them out, or pass "robust", "cluster" or "CR3".'
            )
        if self.df is not None:
            checks.positive_number(self.df, "df")

    def _require_kinds(self) -> None:
        checks.plain_text(self.refusal, "refusal")
        checks.positive_number(self.factor, "factor")
        if self.corrected is not None:
            checks.flag(self.corrected, "corrected")
        if self.df_by is not None:
            checks.one_of(self.df_by, ["rows", "groups"], "df_by")
        for name in ("counts", "reported"):
            given = getattr(self, name)
            if given is not None and checks.number_array(given, name).shape[:1] in ((), (0,)):
                raise InvalidInputError(
                    f"`{name}` must have an entry for each, but is {given!r:.60}; pass an array."
                )

    @property
    def is_naive(self) -> bool:
        """Whether the covariance is dispersion * H^-1, rather than a sandwich."""
        return self.covariance == "naive"

    @property
    def by_groups(self) -> bool:
        """Whether a removal takes whole groups, rather than rows, off the degrees of freedom."""
        by = ("groups" if self.covariance in OF_GROUPS else "rows") if self.df_by is None else None
        return (by or self.df_by) == "groups"

    def require_followed(self) -> None:
        """Raise the reason where this covariance cannot be computed without a row."""
        if self.refusal:
            raise UnsupportedModelError(
                f"{self.refusal} Influences on parameters stand; for verdicts on significance set "
                'a covariance that can be followed, such as est.with_inference("robust").'
            )

    @property
    def words(self) -> str:
        """The covariance, and t where the distribution is t: "naive", "HC1, t"."""
        return self.covariance if self.distribution == "normal" else f"{self.covariance}, t"

    @property
    def as_given(self) -> bool:
        """Whether the covariance is that of `Estimate.covariance` itself."""
        return self.is_naive and self.information == "observed" and self.factor == 1.0

    def agrees(self, errors: np.ndarray) -> bool:
        """Whether these are the standard errors that the fit reports, if it reports any."""
        return self.reported is None or bool(self._apart(errors) < SAME_ERRORS)

    def _apart(self, errors: np.ndarray) -> float:
        return float(np.max(np.abs(errors / self.reported - 1)))

    def confirmed(self, errors: np.ndarray) -> np.ndarray:
        """The standard errors that the fit reports, if those computed here agree with them.

        A fit stops short of its optimum, so that they agree to some digits only.
        """
        if self.reported is None:
            return errors
        apart = self._apart(errors)
        if not apart < SAME_ERRORS:
            raise UnsupportedModelError(
                f"The {self.covariance} standard errors computed here must be those that the fit "
                f"reports, but differ by {apart:.1%}: without a row, too, they would not be the "
                'fit\'s. Choose a covariance, such as est.with_inference("robust").'
            )
        return np.asarray(self.reported, dtype=float)

    def p_values(self, z: np.ndarray, df: Any) -> np.ndarray:
        """Two-sided p-values of z or t, shape of z broadcast with df."""
        size = -np.abs(z)
        return 2 * (stdtr(df, size) if self.distribution == "t" else ndtr(size))

    def quantile(self, share: float | np.ndarray, df: Any) -> Any:
        """The quantile of the distribution, for each of the degrees of freedom."""
        if self.distribution == "normal":
            return np.full(np.shape(df), ndtri(share)) if np.ndim(df) else ndtri(share)
        return stdtrit(df, share)

    def aligned(self, labels: pd.Index) -> "Inference":
        """The same, with groups checked against the rows of the data."""
        if self.groups is None:
            return self
        groups = checks.group_labels(self.groups, labels)
        if len(labels) > 1 and len(pd.unique(groups)) == 1:
            raise InvalidInputError(
                "`groups` of a covariance must be two or more, but all rows are of "
                f"{checks.quoted(groups[0])}, whose scores sum to 0: every standard error would be "
                "0. Pass another column, or a covariance without groups."
            )
        return replace(self, groups=groups)

    def of_rows(self, rows: np.ndarray, objects: np.ndarray, df: float | None) -> "Inference":
        """The same for the rows, and objects, that are kept, with their degrees of freedom."""
        return replace(
            self,
            groups=None if self.groups is None else np.asarray(self.groups)[rows],
            counts=None if self.counts is None else np.asarray(self.counts)[objects],
            df=df if self.distribution == "t" else None,
            reported=None,
        )

    def __repr__(self) -> str:
        what = self.covariance if self.refusal else COVARIANCES[self.covariance]
        by = "" if self.distribution == "normal" or self.df is None else f" with {self.df:g} df"
        return f"Inference({self.covariance!r}: {what}; by the {self.distribution}{by})"

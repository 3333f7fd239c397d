"""Cox models of lifelines: CoxPHFitter and CoxTimeVaryingFitter."""

import warnings
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import (
    columns_by_name,
    named_column,
    own_ties,
    refuse,
    require_columns,
    require_fitted,
    require_frame,
    require_same_rows,
    rows_beside,
)
from vifstats.errors import DataMismatchError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import Cox

__all__ = ["cox", "cox_time_varying"]


@dataclass(frozen=True)
class Columns:
    """The names by which a fit found its columns; None for what it did without."""

    time: Hashable
    event: Hashable | None
    entry: Hashable | None
    weights: Hashable | None
    strata: Hashable | list[Hashable] | None
    groups: Hashable | None = None


def cox(fit: Any, X: Any = None, T: Any = None, E: Any = None, **options: Any) -> Estimate:
    """An estimate from a CoxPHFitter, by partial likelihood or with a parametric baseline.

    Ties are Efron's, as in every such fit; penalty, strata, weights and entries are the fit's.
    ``cluster_col`` only changes the standard errors, as here: to remove clusters whole pass
    ``groups=df[cluster_col]``.

    `X` (n, p): the DataFrame of the fit, or, with T and E, its covariates; `T`, `E` (n,): E may be
    None only if the fit had no event column; **options: the keywords entry, weights, strata, where
    X does not hold the fit's columns for them; groups, penalty, tol. Raises UnsupportedModelError
    for fits that are not fitted, have strata of parametric baselines, or an L1 penalty. Raises
    DataMismatchError if the data are not those of the fit.

    Notes
    -----
    A penalty is held when a row is removed, at n * penalizer * var(x) in raw units; a refit by
    lifelines would compute n and the variance anew.

    Examples
    --------
    >>> from lifelines import CoxPHFitter
    >>> from lifelines.datasets import load_rossi
    >>> rossi = load_rossi()
    >>> est = cox(CoxPHFitter(penalizer=0.1).fit(rossi, "week", "arrest"), rossi)
    >>> est.loss.penalty.shape
    (7, 7)
    """
    _require_fitted(fit)
    if fit.baseline_estimation_method != "breslow":
        return _parametric_baseline(fit, X, T=T, E=E, **options)
    columns = Columns(
        time=fit.duration_col,
        event=fit.event_col,
        entry=fit.entry_col,
        weights=fit.weights_col,
        strata=fit.strata,
    )
    n = len(fit.durations)
    fitted = {
        "T": fit.durations,
        "E": fit.event_observed,
        "entry": np.full(n, -np.inf) if fit.entries is None else fit.entries,
        "weights": fit.weights,
    }
    return _estimate(fit, columns, fitted, _inference(fit, X), X, T, E, **options)


def _parametric_baseline(fit: Any, df: Any, **options: Any) -> Estimate:
    """The estimate of a spline or piecewise baseline, which has a likelihood of its own."""
    from vifstats.adapters.lifelines_parametric import regression

    if fit.strata is not None:
        raise UnsupportedModelError(
            f"Strata of a {fit.baseline_estimation_method} baseline are not supported, because "
            "each has parameters of its own; fit the strata apart, or use the default baseline."
        )
    return regression(fit._model, df, **options)


def cox_time_varying(
    fit: Any, X: Any = None, T: Any = None, E: Any = None, **options: Any
) -> Estimate:
    """An estimate from a CoxTimeVaryingFitter: rows (start, stop], subjects removed whole.

    `X` (n, p): the DataFrame of the fit, or, with T and E, its covariates; `T`, `E` (n,): stop
    times and events; the start times are ``entry``; **options: as in `cox`; ``groups`` defaults to
    the fit's id column. Raises UnsupportedModelError, DataMismatchError as in `cox`.

    Examples
    --------
    >>> from lifelines import CoxTimeVaryingFitter
    >>> from lifelines.datasets import load_stanford_heart_transplants
    >>> heart = load_stanford_heart_transplants()
    >>> columns = {"event_col": "event", "start_col": "start", "stop_col": "stop", "id_col": "id"}
    >>> est = cox_time_varying(CoxTimeVaryingFitter().fit(heart, **columns), heart)
    >>> len(heart), len(est.removals())
    (172, 103)
    """
    _require_fitted(fit)
    columns = Columns(
        time=fit.stop_col,
        event=fit.event_col,
        entry=fit.start_col,
        weights=fit.weights_col,
        strata=fit.strata,
        groups=fit.id_col,
    )
    rows = fit.start_stop_and_events
    fitted = {"T": rows["stop"], "E": rows["event"], "entry": rows["start"], "weights": fit.weights}
    inference = Inference(reported=fit.standard_errors_.to_numpy())
    return _estimate(fit, columns, fitted, inference, X, T, E, **options)


def _require_fitted(fit: Any) -> None:
    require_fitted(fit, "params_")
    if fit.l1_ratio > 0 and np.any(fit.penalizer):
        raise UnsupportedModelError(
            f"An L1 penalty (l1_ratio = {fit.l1_ratio}) has no Hessian, and lifelines' smooth "
            "stand-in depends on the number of iterations; fit with l1_ratio=0."
        )


def _estimate(
    fit: Any,
    columns: Columns,
    fitted: Mapping[str, Any],
    inference: Inference,
    X: Any,
    T: Any,
    E: Any,
    *,
    entry: Any = None,
    weights: Any = None,
    strata: Any = None,
    offset: Any = None,
    groups: Any = None,
    ties: str | None = None,
    penalty: Any = None,
    tol: float = 1e-2,
) -> Estimate:
    refuse("lifelines' Cox models have no offset", offset=offset)
    if X is None:
        raise DataMismatchError(
            "lifelines keeps no covariates, so the data are needed, but none are given; pass the "
            "DataFrame of the fit."
        )
    T, E = _times(columns, X, T, E)
    if columns.strata is None:
        refuse("The model was fitted without strata", strata=strata)
    design = _design(fit, X)
    own_penalty = _ridge(fit.penalizer, design)
    if own_penalty is not None:
        refuse("The penalty is that of the fit", penalty=penalty)
    entry = named_column(entry, X, columns.entry, "entry")
    weights = named_column(weights, X, columns.weights, "weights")
    strata = named_column(strata, X, columns.strata, "strata")
    T, E, entry, weights, strata = rows_beside(X, T, E, entry, weights, strata)
    loss = Cox(
        design,
        T,
        E,
        entry=entry,
        weights=weights,
        strata=strata,
        ties=own_ties(ties, "efron", "lifelines"),
        penalty=penalty if own_penalty is None else own_penalty,
    )
    data = loss.data
    given = {"T": data.time, "E": data.event, "entry": data.entry, "weights": data.weights}
    require_same_rows(fitted, given, data.labels)
    return Estimate(
        loss,
        fit.params_,
        profile=None if fit.formula is None else partial(_transformed, fit),
        groups=named_column(None, X, columns.groups, "groups") if groups is None else groups,
        inference=inference,
        tol=tol,
    )


def _inference(fit: Any, X: Any) -> Inference:
    """Naive, or the sandwich that lifelines reports for ``robust`` and ``cluster_col``."""
    reported = fit.standard_errors_.to_numpy()
    column = fit.cluster_col
    if column is None:
        kind = "lifelines' robust" if fit.robust else "naive"
        return Inference(kind, reported=reported)
    if isinstance(X, pd.DataFrame) and column in X.columns:
        require_columns(X, [column])
        return Inference("lifelines' robust", X[column].to_numpy(), reported=reported)
    return Inference(
        "lifelines' robust",
        reported=reported,
        refusal=f"The clusters of the fit, {column!r}, must be a column of the data, but are not; "
        "pass the DataFrame of the fit.",
    )


def _times(columns: Columns, X: Any, T: Any, E: Any) -> tuple[Any, Any]:
    """T and E as given, else by the fit's own names; E None only for a fit without events."""
    structured = getattr(getattr(T, "dtype", None), "names", None) is not None
    if T is None:
        frame = require_frame(X, f"`T` may be left out only for a DataFrame with {columns.time!r}")
        refuse("`E` comes with `T`", E=E)
        require_columns(frame, [columns.time])
        T = frame[columns.time]
        E = named_column(None, frame, columns.event, "E")
    elif E is None and columns.event is not None and not structured:
        raise DataMismatchError(
            f"`E` may be None only if the fit had no event column, but it had {columns.event!r}; "
            "pass E."
        )
    return T, E


def _design(fit: Any, X: Any) -> Any:
    if fit.formula is None:
        return columns_by_name(X, list(fit.params_.index))
    frame = require_frame(
        X, f"The model was fitted by the formula {fit.formula!r}, which needs names"
    )
    with _levels_of_the_fit():
        return _transformed(fit, frame)


@contextmanager
def _levels_of_the_fit() -> Iterator[None]:
    """formulaic would take an unknown level for the reference level, with a warning."""
    from formulaic.errors import DataMismatchWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", DataMismatchWarning)
        try:
            yield
        except DataMismatchWarning as warning:
            raise DataMismatchError(
                f"The data must have the levels that were fitted, but: {warning} Pass the same "
                "data, or refit."
            ) from warning


def _transformed(fit: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Raw columns as design rows, with the contrasts and constants of the fit."""
    needed = fit.regressors.mappings["beta_"].required_variables
    require_columns(frame, sorted(map(str, needed)))
    design = fit.regressors.transform_df(frame)["beta_"]
    if len(design) != len(frame):
        raise DataMismatchError(
            f"The columns {sorted(map(str, needed))} of the formula must not be missing, but are "
            f"in {len(frame) - len(design)} rows; drop or impute them."
        )
    return design


def _ridge(penalizer: Any, design: pd.DataFrame) -> np.ndarray | None:
    """The diagonal of P, docs/mathematics.md, equation (27): standardised columns, by the row."""
    per_row = np.broadcast_to(np.asarray(penalizer, dtype=float), design.shape[1])
    if not per_row.any():
        return None
    return len(design) * per_row * design.to_numpy(dtype=float).std(axis=0, ddof=1) ** 2

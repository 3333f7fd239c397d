"""Cox models of the package survival, which keep their data; the library is never imported."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import own_ties, refuse
from vifstats.errors import DataMismatchError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import Cox

__all__ = ["coxph"]


def coxph(
    fit: Any,
    df: Any = None,
    *,
    groups: Any = None,
    ties: str | None = None,
    tol: float = 1e-2,
    **options: Any,
) -> Estimate:
    """An estimate from ``survival.coxph`` or ``survival.clogit``, from the data of the fit itself.

    `df`: the table of the fit, for its labels only; default rows are numbered 0, 1, ...; rows that
    the fit left out are "not in fit"; `groups` (n_rows,): one label per row; `ties`: may be
    repeated, not changed; `tol`: as in `Estimate`; **options: the others of `from_model` are in the
    fit. Raises UnsupportedModelError for penalty terms, tt() terms, several states, and
    coefficients that are not estimable. Raises DataMismatchError if df has another number of rows.
    """
    refuse("A coxph fit of survival keeps its data", **options)
    _require_plain(fit)
    kept, total = _kept(fit)
    y, n = fit.y, len(kept)
    if df is not None and len(df) != total:
        raise DataMismatchError(
            f"The table must be that of the fit, with {total} rows after `subset`, but has "
            f"{len(df)}; leave it out, or pass the same rows."
        )
    labels = df.index if isinstance(df, pd.DataFrame) else pd.RangeIndex(total)
    loss = Cox(
        pd.DataFrame(np.asarray(fit.x), columns=list(fit.coef_names), index=labels[kept]),
        np.asarray(y.time),
        np.asarray(y.status),
        entry=None if y.start is None else np.asarray(y.start),
        weights=_column(fit.weights, n),
        strata=fit.strata,
        offset=_column(fit.offset, n),
        ties=own_ties(ties, fit.method, "this coxph"),
    )
    inference = _inference(fit, kept, total)
    return Estimate(
        loss,
        fit.coefficients,
        labels=labels,
        kept=kept,
        groups=groups,
        inference=inference,
        tol=tol,
    )


def _require_plain(fit: Any) -> None:
    refused = {
        "a penalty term, such as ridge() or frailty()": fit.penalized is not None,
        "tt() terms, whose rows are not those of the data": fit.tt,
        "several states; vifstats.competing_risks fits causes": not hasattr(fit.y, "status")
        or bool(getattr(fit.y, "states", ())),
        "coefficients that are not estimable; drop the collinear columns": not np.isfinite(
            np.asarray(fit.coefficients)
        ).all(),
    }
    if found := [what for what, there in refused.items() if there]:
        raise UnsupportedModelError(
            f"Of survival's coxph those models are taken that vifstats fits alike, but this one "
            f"has {found[0]}."
        )


def _kept(fit: Any) -> tuple[np.ndarray, int]:
    """The positions of the rows of the fit, and how many rows there were before any was left out.

    R counts those that are missing from 1, after ``subset``.
    """
    missing = [] if fit.na_action is None else fit.na_action.rows
    total = fit.n + len(missing)
    return np.setdiff1d(np.arange(total), np.asarray(missing, dtype=int) - 1), total


def _column(values: Any, n: int) -> np.ndarray | None:
    return None if values is None else np.broadcast_to(np.asarray(values, dtype=float), n)


def _inference(fit: Any, kept: np.ndarray, total: int) -> Inference:
    reported = np.sqrt(np.diag(np.asarray(fit.var)))
    if not fit.robust:
        return Inference(reported=reported)
    cluster = fit.id if fit.cluster is None else fit.cluster
    if cluster is None:
        return Inference("robust", reported=reported)
    # rows that were left out are of no cluster
    groups = np.full(total, -1, dtype=int)
    groups[kept] = pd.factorize(np.asarray(cluster, dtype=object))[0]
    return Inference("robust", groups, reported=reported)

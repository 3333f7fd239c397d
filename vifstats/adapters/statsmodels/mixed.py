"""Linear mixed models of statsmodels, MixedLM, whose rows or groups leave."""

from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.adapters.statsmodels.reading import about, user_rows
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import MixedModel
from vifstats.typing import Groups

__all__ = ["mixed"]


def mixed(
    fit: Any, *data: Any, groups: Groups | None = None, tol: float = 1e-2, **options: Any
) -> Estimate:
    """An estimate from the results of MixedLM, by REML or ML.

    With random intercepts and slopes (``re_formula``, ``exog_re``), and independent effects with
    one variance for each component (``vc_formula``), such as classes within schools; not with
    penalties, nor with parameters held by ``free=``.
    """
    refuse("statsmodels keeps the data of the fit", data=data or None, **options)
    model = fit.model
    _require_followed(fit)
    with about(fit):
        labels, kept = user_rows(model)
        loss = _loss(model, labels[kept])
        return Estimate(loss, _theta(fit, loss), labels=labels, kept=kept, groups=groups, tol=tol)


def _require_followed(fit: Any) -> None:
    model = fit.model
    if model.fe_pen is not None or model.re_pen is not None or fit.cov_pen is not None:
        raise UnsupportedModelError(
            "MixedLM must be fitted without a penalty, but this fit has one; fit it without, or "
            "write the penalised likelihood with vifstats.FunctionLoss."
        )
    free = fit.freepat
    parts = [] if free is None else [free.fe_params, free.cov_re, free.vcomp]
    if any(np.any(np.asarray(part) == 0) for part in parts if part is not None):
        raise UnsupportedModelError(
            "All parameters of MixedLM must be free, but some are held by `free=`; give effects "
            "without a correlation as components of vc_formula, one for each, and fit that."
        )


def _loss(model: Any, labels: pd.Index) -> MixedModel:
    def table(columns: Any, names: Any) -> pd.DataFrame:
        return pd.DataFrame(np.asarray(columns), index=labels, columns=list(map(str, names)))

    k_fe, Z = model.k_fe, None
    if model.k_re:
        Z = table(model.exog_re, model.data.exog_re_names)
        # statsmodels names an intercept after the groups
        Z.columns = ["Intercept" if (Z[name] == 1).all() else name for name in Z.columns]
    return MixedModel(
        table(model.exog, model.exog_names[:k_fe]),
        np.asarray(model.endog),
        _codes(model),
        Z,
        components=_components(model) or None,
        reml=model.reml,
    )


def _codes(model: Any) -> np.ndarray:
    codes = np.empty(model.nobs, dtype=int)
    for number, label in enumerate(model.group_labels):
        codes[model.row_indices[label]] = number
    return codes


def _components(model: Any) -> dict[str, np.ndarray]:
    """The design of each component, of rows as the user has them: (n, most columns of a group)."""
    found = {}
    rows = [np.asarray(model.row_indices[label]) for label in model.group_labels]
    for name, blocks in zip(model.exog_vc.names, model.exog_vc.mats, strict=True):
        design = np.zeros((model.nobs, max(block.shape[1] for block in blocks)))
        for at, block in zip(rows, blocks, strict=True):
            design[at, : block.shape[1]] = block
        found[str(name)] = design
    return found


def _theta(fit: Any, loss: MixedModel) -> np.ndarray:
    """beta, log(sigma) and the entries of the factor."""
    factor = lower_factor(np.atleast_2d(fit.cov_re) / fit.scale) if fit.model.k_re else None
    entries = [] if factor is None else factor[loss.random.triangle]
    components = np.sqrt(np.asarray(fit.vcomp, dtype=float) / fit.scale)
    return np.concatenate([fit.fe_params, [0.5 * np.log(fit.scale)], entries, components])


def lower_factor(covariance: np.ndarray) -> np.ndarray:
    """The lower triangle L with L L' a covariance, which may be singular; (q, q).

    Of the QR of a symmetric root, which exists where Cholesky's does not.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    R = np.linalg.qr(root.T)[1]
    return R.T * np.where(np.diag(R) < 0, -1.0, 1.0)

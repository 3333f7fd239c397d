"""Two-stage least squares of statsmodels and linearmodels: both stages as one estimator.

The first stage is estimated again without a row. See docs/mathematics.md, equation (43).
"""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.errors import InvalidInputError, UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.inference import Inference
from vifstats.losses import LinearPredictor, RowEquations
from vifstats.losses.row_losses import SquaredError
from vifstats.losses.stacked import Block, Stacked

__all__ = ["linearmodels_iv", "statsmodels_iv"]

# A column counts as its own projection on the instruments if less than this share of it is left.
SPANNED = 1e-8


@dataclass(frozen=True, eq=False)
class SecondStage:
    """Terms -w x^ (y - x'beta) of each row, with x^ the design as the first stages predict it."""

    endogenous: tuple[int, ...]

    def __call__(self, beta: Any, data: dict[str, np.ndarray], *gammas: Any) -> Any:
        columns: list[Any] = list(data["X"].T)
        for at, gamma in zip(self.endogenous, gammas, strict=True):
            columns[at] = anp.dot(data["Z"], gamma)
        predicted = anp.stack(columns, axis=1)
        residual = data["y"] - anp.dot(data["X"], beta)
        return -predicted * (data["w"] * residual)[:, None]


def statsmodels_iv(fit: Any, *, groups: Any = None, tol: float = 1e-2, **options: Any) -> Estimate:
    """An estimate from IV2SLS of statsmodels, which keeps its data."""
    refuse("statsmodels keeps the data of the fit", **options)
    model = fit.model
    names = [str(name) for name in model.exog_names]
    labels = model.data.row_labels
    return _two_stages(
        np.asarray(model.endog, dtype=float).ravel(),
        np.asarray(model.exog, dtype=float),
        np.asarray(model.instrument, dtype=float),
        names,
        [f"z{k}" for k in range(np.shape(model.instrument)[1])],
        np.ones(len(model.endog)),
        np.asarray(fit.params, dtype=float),
        pd.RangeIndex(len(model.endog)) if labels is None else pd.Index(labels),
        groups,
        tol,
    )


def linearmodels_iv(fit: Any, *, groups: Any = None, tol: float = 1e-2, **options: Any) -> Estimate:
    """An estimate from IV2SLS of linearmodels, which keeps its data."""
    refuse("linearmodels keeps the data of the fit", **options)
    model = fit.model
    if type(model).__name__ != "IV2SLS":
        raise UnsupportedModelError(
            f"Of linearmodels' instrumental variables IV2SLS is taken, but this is "
            f"{type(model).__name__}; write its equations with vifstats.Equations."
        )
    parts = {
        name: np.asarray(getattr(model, name).ndarray, dtype=float)
        for name in ("dependent", "exog", "endog", "instruments", "weights")
    }
    X = np.hstack([parts["exog"], parts["endog"]])
    Z = np.hstack([parts["exog"], parts["instruments"]])
    return _two_stages(
        parts["dependent"].ravel(),
        X,
        Z,
        [str(name) for name in fit.params.index],
        [str(name) for name in [*model.exog.cols, *model.instruments.cols]],
        parts["weights"].ravel(),
        fit.params.to_numpy(dtype=float),
        pd.Index(fit.resids.index),
        groups,
        tol,
        fit.std_errors.to_numpy() if fit.cov_type == "robust" and not fit.debiased else None,
    )


def _two_stages(
    y: np.ndarray,
    X: np.ndarray,
    Z: np.ndarray,
    names: list[str],
    instruments: list[str],
    w: np.ndarray,
    beta: np.ndarray,
    labels: pd.Index,
    groups: Any,
    tol: float,
    reported: np.ndarray | None = None,
) -> Estimate:
    """The first stage of each endogenous column, and the second that reads them all."""
    w = w / w.mean()
    root = np.sqrt(w)[:, None]
    gammas = np.linalg.lstsq(root * Z, root * X, rcond=None)[0]
    apart = np.linalg.norm(X - Z @ gammas, axis=0) > SPANNED * np.linalg.norm(X, axis=0)
    endogenous = np.flatnonzero(apart).tolist()
    if Z.shape[1] < X.shape[1]:
        raise InvalidInputError(
            f"There must be an instrument for each endogenous column, but there are {Z.shape[1]} "
            f"instruments, the exogenous columns among them, for {X.shape[1]} columns; add some."
        )
    blocks: dict[str, Block] = {}
    for at in endogenous:
        name = f"first stage {names[at]}"
        loss = LinearPredictor(SquaredError(), Z, X[:, at], weights=w, names=instruments)
        prefixed = tuple(f"{name}: {own}" for own in instruments)
        blocks[name] = Block(loss, Z.shape[1], prefixed, labels, gammas[:, at])
    second = RowEquations(
        SecondStage(tuple(endogenous)),
        {"y": y, "X": X, "Z": Z, "w": w},
        labels=labels,
        names=names,
        reads=tuple(blocks),
    )
    blocks["second stage"] = Block(second, len(beta), tuple(names), labels, beta)
    stacked = Stacked(blocks)
    theta = np.concatenate([np.asarray(block.theta) for block in blocks.values()])
    est = Estimate(stacked, theta, groups=groups, tol=tol)
    if reported is None:
        return est
    # White's errors hold the first stage, the stacked ones do not: with more instruments than
    # endogenous columns they differ in the fourth digit, and the fit reports the former
    # of rows, whatever leaves together
    own = est.with_inference(Inference("robust")).standard_errors
    errors = np.append(own[: -len(beta)], reported)
    return est.with_inference(Inference("robust", reported=errors))

"""What the parameters of a model are to its reader: hazard ratios, odds ratios, coefficients."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from vifstats.losses import (
    ConditionalLogistic,
    Cox,
    Edited,
    FineGray,
    LinearPredictor,
    Loss,
    MixedModel,
    SharedFrailty,
)
from vifstats.losses.firth import Firth
from vifstats.losses.stacked import Stacked

__all__ = ["Effects", "effects_of", "ratios", "shown_columns", "wald_table"]

ALL = sys.maxsize
Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, eq=False)
class Effects:
    """How the parameters are shown."""

    # What the model is called, "Cox model"
    model: str
    # What one effect is called, "hazard ratio"
    effect: str
    # Whether exp(theta) is shown
    ratio: bool
    # Positions of the parameters that are effects: not intercepts, scales or thresholds
    shown: np.ndarray
    # How many, the first, have 0 as a hypothesis: not variances, which have no test
    n_tested: int = ALL

    @property
    def untested(self) -> slice:
        """The parameters that have no test."""
        return slice(self.n_tested, None)

    @property
    def column(self) -> str:
        """The effect as the name of a column: hazard_ratio."""
        return self.effect.replace(" ", "_")

    def of(self, theta: Any) -> Any:
        """Parameters as effects; a ratio beyond all numbers is infinite."""
        return ratios(theta) if self.ratio else theta

    def decimals(self, theta: float, standard_error: float) -> int | None:
        """Decimals of an effect: three digits of the standard error of a coefficient; of a ratio
        two, and up to three decimals for the lower end of its interval.

        None where that is no number of decimals to read.

        Examples
        --------
        >>> Effects("", "", False, np.arange(1)).decimals(0.5, 0.0123)
        4
        >>> hazard_ratio = Effects("", "", True, np.arange(1))
        >>> hazard_ratio.decimals(-0.38, 0.19), hazard_ratio.decimals(-0.0001, 0.0003)
        (3, 5)
        """
        if not (np.isfinite(theta) and 0 < standard_error < np.inf):
            return None
        if not self.ratio:
            needed = 2 - _magnitude(standard_error)
        else:
            # in logarithms: in some units a ratio is beyond all numbers
            spread = _power(theta + np.log(standard_error))
            lower = _power(theta - Z95 * standard_error)
            needed = max(1 - spread, min(FEW, 2 - min(spread, lower)))
        return max(0, needed) if needed <= MOST else None


# Decimals: enough for a small ratio, and too many to read.
FEW, MOST = 3, 6

# Class of the row loss -> name of the model and of exp(theta), None where that means nothing.
ROW_LOSSES: dict[str, tuple[str, str | None]] = {
    "Beta": ("beta regression", None),
    "Gamma": ("gamma regression", "ratio of means"),
    "GeneralizedPoisson": ("generalized Poisson regression", "rate ratio"),
    "InverseGaussian": ("inverse Gaussian regression", "ratio of means"),
    "Logistic": ("logistic regression", "odds ratio"),
    "Multinomial": ("multinomial regression", "odds ratio"),
    "NegativeBinomial": ("negative binomial regression", "rate ratio"),
    "NegativeBinomialP": ("negative binomial regression", "rate ratio"),
    "Ordered": ("ordinal regression", None),
    "Poisson": ("Poisson regression", "rate ratio"),
    "PoissonCount": ("Poisson regression", "rate ratio"),
    "PoissonGLM": ("Poisson regression", "rate ratio"),
    "Robust": ("robust linear regression", None),
    "SquaredError": ("linear regression", None),
    "Tweedie": ("Tweedie regression", "ratio of means"),
    "ZeroInflated": ("zero-inflated regression", None),
}


def effects_of(loss: Loss, names: tuple[str, ...]) -> Effects:
    """How the parameters of a loss are shown.

    Shapes: `names` (n_params,).

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0]], [1.0, 2.0])
    >>> effects_of(loss, ("age",)).effect
    'hazard ratio'
    """
    everything = np.arange(len(names))
    if isinstance(loss, Firth):
        plain = effects_of(loss.plain, names)
        return replace(plain, model=f"{plain.model} with Firth's penalty")
    if isinstance(loss, Cox):
        return Effects("Cox model", "hazard ratio", True, everything)
    if isinstance(loss, FineGray):
        return Effects("Fine-Gray model", "subdistribution hazard ratio", True, everything)
    if isinstance(loss, ConditionalLogistic):
        return Effects("conditional logistic regression", "odds ratio", True, everything)
    if isinstance(loss, MixedModel):
        varying = np.flatnonzero(np.ptp(loss.X, axis=0) > 0)
        shown = varying if len(varying) else np.arange(loss.n_fixed)
        return Effects("linear mixed model", "coefficient", False, shown, loss.n_fixed)
    if isinstance(loss, SharedFrailty):
        model = f"Weibull model with {loss.distribution} frailty"
        return Effects(model, "hazard ratio", True, everything[:-3])
    if isinstance(loss, Edited):
        return effects_of(loss.stacked, names)
    if isinstance(loss, Stacked):
        return _of_blocks(loss)
    if isinstance(loss, LinearPredictor):
        varying = np.concatenate([np.ptp(X, axis=0) > 0 for X in loss.designs])
        model, effect = _of_row_loss(loss.row_loss)
        # an intercept alone is what such a model is about
        shown = everything[varying] if varying.any() else everything
        return Effects(model, effect or "coefficient", effect is not None, shown)
    return Effects(type(loss).__name__, "parameter", False, everything)


def _of_blocks(loss: Stacked) -> Effects:
    """What all blocks have in common: ratios only where each has the same kind."""
    parts = [effects_of(block.equations, block.names) for block in loss.blocks.values()]
    starts = [part.start for part in loss.parts.values()]
    shown = np.concatenate([part.shown + at for part, at in zip(parts, starts, strict=True)])
    models, effects = ({getattr(part, name) for part in parts} for name in ("model", "effect"))
    if len(effects) > 1 or not parts[0].ratio:
        return Effects(type(loss).__name__, "parameter", False, np.arange(loss.n_params))
    return Effects(f"{' and '.join(sorted(models))}s together", effects.pop(), True, shown)


def wald_table(
    effects: Effects,
    names: Sequence[str],
    theta: np.ndarray,
    errors: np.ndarray,
    inference: Any,
    df: float | np.ndarray,
    level: float,
) -> pd.DataFrame:
    """The table of a fit: coefficients, errors, tests and limits, and ratios where those are shown.

    Shapes: `theta`, `errors` (p,); `inference`: an Inference; `df`: of t. See `Estimate.summary`.
    """
    z = theta / errors
    z[effects.untested] = np.nan
    width = inference.quantile(0.5 + level / 2, df) * errors
    limits = {f"lower_{100 * level:g}": theta - width, f"upper_{100 * level:g}": theta + width}
    columns = {
        "coefficient": theta,
        "standard_error": errors,
        "t" if inference.distribution == "t" else "z": z,
        "p_value": inference.p_values(z, df),
        **limits,
    }
    if effects.ratio:
        shown = np.isin(np.arange(len(theta)), effects.shown)
        for end, values in {"": theta, **limits}.items():
            name = f"{effects.column}_{end}" if end else effects.column
            columns[name] = np.where(shown, effects.of(values), np.nan)
    return pd.DataFrame(columns, index=list(names))


def shown_columns(table: pd.DataFrame, effects: Effects) -> pd.DataFrame:
    """The columns of a `wald_table` that are read first: ratios with their own limits."""
    if not effects.ratio:
        return table
    before = f"{effects.column}_"
    own = {name: name.removeprefix(before) for name in table if name.startswith(before)}
    kept = [effects.column, *own, "p_value", "coefficient", "standard_error"]
    return table[kept].rename(columns=own)


def ratios(log_ratios: Any) -> Any:
    """exp, without a warning where a ratio is beyond all numbers.

    Examples
    --------
    >>> ratios(np.array([0.0, 800.0]))
    array([ 1., inf])
    """
    with np.errstate(over="ignore"):  # infinite, as the interval of a covariate that separates
        return np.exp(log_ratios)


def _magnitude(value: float) -> int:
    """The power of ten of a number, that of the smallest there is for 0."""
    return int(np.floor(np.log10(max(value, np.finfo(float).tiny))))


def _power(logarithm: float) -> int:
    """The power of ten of a number, by its natural logarithm."""
    return int(np.floor(logarithm / np.log(10)))


def _of_row_loss(row_loss: Any) -> tuple[str, str | None]:
    kind = type(row_loss).__name__
    if kind == "CensoredRows":  # a parametric survival model of lifelines
        fitter = type(row_loss.fit).__name__.removesuffix("Fitter")
        return f"{fitter} model", "time ratio" if fitter.endswith("AFT") else None
    link = type(getattr(row_loss, "link", None)).__name__
    if kind == "Binomial":
        return "binomial regression", "odds ratio" if link == "Logit" else None
    model, effect = ROW_LOSSES.get(kind, (kind, None))
    return model, effect if link in ("NoneType", "Log") else None

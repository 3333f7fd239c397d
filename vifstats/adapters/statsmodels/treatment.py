"""Treatment effects of statsmodels: propensity, outcome models and effect as one estimator.

See docs/mathematics.md, equation (43), and Wooldridge (2010), Econometric Analysis of Cross Section
and Panel Data, chapter 21.
"""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.adapters import from_model
from vifstats.adapters.matching import refuse
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import LinearPredictor, RowEquations
from vifstats.losses.stacked import Block, Stacked
from vifstats.targets.prediction import mean_function

__all__ = ["effects"]

# The effect, on all or on a group, and the mean without treatment.
EFFECTS = ("ATE", "POM0")
METHODS = ("IPW", "RA", "AIPW", "AIPW-WLS", "IPW-RA")
# statsmodels clips propensities to these, which is not a smooth function of them.
CLIPPED = 0.01


@dataclass(frozen=True, eq=False)
class Propensity:
    """The probability of treatment of each row, of the parameters of its model."""

    loss: LinearPredictor

    def __call__(self, gamma: Any) -> Any:
        design, offset = self.loss.designs[0], self.loss.offsets[0]
        return mean_function(self.loss)(anp.dot(design, gamma) + offset)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Terms -w x (y - x'beta) of the rows of one arm, weighted as the method says."""

    propensity: Propensity
    method: str
    group: Any
    arm: int

    def __call__(self, beta: Any, data: dict[str, np.ndarray], *earlier: Any) -> Any:
        inside = data["A"] == self.arm
        w = inside * self._weights(*earlier)
        return -data["X"] * (w * (data["y"] - anp.dot(data["X"], beta)))[:, None]

    def _weights(self, *earlier: Any) -> Any:
        if self.method in ("RA", "AIPW"):
            return 1.0
        e = self.propensity(earlier[0])
        share = e if self.arm else 1 - e
        if self.method == "AIPW-WLS":
            return (1 / share) * (1 / share - 1)
        # "IPW-RA": whose effect it is
        return {"all": 1.0, 1: e, 0: 1 - e}[self.group] / share


@dataclass(frozen=True, eq=False)
class Effect:
    """The effect and the mean without treatment, from what each row is predicted to be."""

    propensity: Propensity
    method: str
    group: Any

    def __call__(self, effect: Any, data: dict[str, np.ndarray], *earlier: Any) -> Any:
        A, y = data["A"], data["y"]
        if self.method == "IPW":
            return self._weighted(effect, A, y, self.propensity(earlier[0]))
        m0, m1 = (anp.dot(data["X"], beta) for beta in earlier[-2:])
        if self.method.startswith("AIPW"):
            e = self.propensity(earlier[0])
            m0, m1 = m0 + (1 - A) / (1 - e) * (y - m0), m1 + A / e * (y - m1)
        inside = {"all": np.ones(len(A)), 1: A, 0: 1 - A}[self.group]
        terms = anp.stack([m1 - m0 - effect[0], m0 - effect[1]], axis=1)
        return -inside[:, None] * terms

    def _weighted(self, effect: Any, A: np.ndarray, y: np.ndarray, e: Any) -> Any:
        """One regression on the treatment, weighted by its inverse probability."""
        w = (A / e + (1 - A) / (1 - e)) * {"all": 1.0, 1: e, 0: 1 - e}[self.group]
        residual = w * (y - A * effect[0] - effect[1])
        return -anp.stack([A * residual, residual], axis=1)


def effects(fit: Any, *, groups: Any = None, tol: float = 1e-2, **options: Any) -> Estimate:
    """An estimate from the results of TreatmentEffect.ipw, ra, aipw, aipw_wls or ipw_ra.

    The last parameters are the effect (ATE, or that on a group) and POM0. Raises
    UnsupportedModelError for outcomes by other models than OLS, for effects on a group of the
    user's own weights, and where statsmodels would clip a propensity.
    """
    refuse("statsmodels keeps the data of the fit", **options)
    teff, method, group = fit.teff, fit.method, fit.effect_group
    _require_followed(teff, method, group)
    y, X = np.asarray(teff.model_pool.endog, float), np.asarray(teff.model_pool.exog, float)
    data = {"y": y, "X": X, "A": np.asarray(teff.treatment, dtype=float)}
    labels = teff.model_pool.data.row_labels
    labels = pd.RangeIndex(len(y)) if labels is None else pd.Index(labels)
    names = [str(name) for name in teff.model_pool.exog_names]
    blocks: dict[str, Block] = {}
    reads: tuple[str, ...] = ()
    select: Any = None
    if method != "RA":
        est = from_model(teff.results_select)
        select = Propensity(est.loss)  # type: ignore[arg-type]  # a binary regression has these
        _require_unclipped(np.asarray(select(est.theta)))
        own = tuple(f"treatment: {name}" for name in est.names)
        blocks["treatment"] = Block(est.loss, len(own), own, labels, est.theta)
        reads = ("treatment",)
    if method != "IPW":
        for arm in (0, 1):
            terms = Outcome(select, method, group, arm)
            blocks[f"outcome {arm}"] = _outcome(terms, data, names, labels, reads, fit)
        reads += ("outcome 0", "outcome 1")
    equation = RowEquations(
        Effect(select, method, group), data, labels=labels, names=EFFECTS, reads=reads
    )
    blocks["effect"] = Block(equation, 2, EFFECTS, labels, np.asarray(fit.start_params)[:2])
    stacked = Stacked(blocks)
    return Estimate(stacked, stacked.start(None), groups=groups, tol=tol)


def _outcome(
    terms: Outcome,
    data: dict[str, np.ndarray],
    names: list[str],
    labels: pd.Index,
    reads: tuple[str, ...],
    fit: Any,
) -> Block:
    name, k = f"outcome {terms.arm}", len(names)
    equations = RowEquations(terms, data, labels=labels, names=names, reads=reads)
    begin = 2 + terms.arm * k
    theta = np.asarray(fit.start_params, dtype=float)[begin : begin + k]
    return Block(equations, k, tuple(f"{name}: {own}" for own in names), labels, theta)


def _require_followed(teff: Any, method: str, group: Any) -> None:
    model = type(teff.model_pool).__name__
    if model != "OLS" or method not in METHODS or group not in ("all", 0, 1):
        raise UnsupportedModelError(
            f"A treatment effect must be by one of {METHODS} with OLS outcomes, on all or on one "
            f"of the arms, but this is {method} with {model} on {group!r}; stack its equations "
            "with vifstats.stack."
        )


def _require_unclipped(e: np.ndarray) -> None:
    beyond = (e < CLIPPED) | (e > 1 - CLIPPED)
    if beyond.any():
        raise UnsupportedModelError(
            f"Propensities must lie within {CLIPPED} and {1 - CLIPPED}, at which statsmodels clips "
            f"some of them, but {int(beyond.sum())} rows lie outside; drop the rows that are all "
            "but sure of their arm, or stack the equations with vifstats.stack."
        )

"""Refits that are nan though they have a minimum: small data sets with an outlier, by scipy.

python -m validation.benchmarks.interior_refits 0 500
"""

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import lifelines
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.optimize import minimize

import vifstats as vs

# Starts of a search, in standard errors of the full fit: at it, and around it.
STARTS, AROUND = 6, 1.0
# A search has ended in a minimum if, in standard errors, the slope is below and the curvature above
# these, and it is not further away than this.
SLOPE, CURVATURE, FURTHEST = 1e-3, 1e-6, 1e4
# Outside the domain.
WALL = 1e10
COUNTS, TIMES = 20, 14


@dataclass(frozen=True)
class Without:
    """The loss without one row, in standard errors from the full fit."""

    est: vs.Estimate
    row: int

    @property
    def presence(self) -> np.ndarray:
        """1 for all rows but that one."""
        return np.where(np.arange(self.est.loss.n_objects) == self.row, 0.0, 1.0)

    def value(self, steps: np.ndarray) -> float:
        """The loss at so many standard errors from the full fit."""
        with np.errstate(all="ignore"):  # it may be outside the domain
            value = float(self.est.loss.value(self._theta(steps), self.presence))
        return value if np.isfinite(value) else WALL

    def has_minimum(self) -> bool:
        """Whether a search from any start ends in a minimum inside the domain."""
        rng, p = np.random.default_rng(0), len(self.est.theta)
        starts = [AROUND * k * rng.normal(size=p) for k in range(STARTS)]
        options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-9, "fatol": 1e-12}
        ends = [minimize(self.value, u, method="Nelder-Mead", options=options).x for u in starts]
        return any(self._is_minimum(end) for end in ends)

    def _is_minimum(self, steps: np.ndarray) -> bool:
        theta, unit = self._theta(steps), self.est.naive_errors
        with np.errstate(all="ignore"):  # likewise
            slope = self.est.loss.gradient(theta, self.presence) * unit
            H = self.est.loss.hessian(theta, self.presence) * np.outer(unit, unit)
        finite = np.isfinite(slope).all() and np.isfinite(H).all()
        near = np.abs(steps).max() < FURTHEST and self.value(steps) < WALL
        return finite and near and np.abs(slope).max() < SLOPE and _curved(H)

    def _theta(self, steps: np.ndarray) -> np.ndarray:
        return self.est.theta + self.est.naive_errors * steps


def _curved(H: np.ndarray) -> bool:
    return bool(np.linalg.eigvalsh(H)[0] > CURVATURE)


def _counts(model: Callable[..., object], **options: str) -> Callable[[int], vs.Estimate]:
    def fitted(seed: int) -> vs.Estimate:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=COUNTS).round(3)
        k = rng.poisson(rng.gamma(2.0, np.exp(1 + 0.3 * x) / 2.0))
        k[rng.integers(COUNTS)] = 20 + rng.integers(15)
        built = model(k, sm.add_constant(x), **options)
        return vs.from_model(built.fit(disp=0, method="bfgs", maxiter=2000, gtol=1e-8))

    return fitted


def _times(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    T = rng.weibull(1.3, size=TIMES).round(3) * 3 + 0.01
    E = (rng.random(TIMES) < 0.7).astype(int)
    i = rng.integers(TIMES)
    T[i] = 30 + 10 * rng.random()
    E[[(i + 1) % TIMES, (i + 2) % TIMES]] = 1
    return pd.DataFrame({"T": T, "E": E, "x": rng.normal(size=TIMES).round(3)})


def _univariate(fitter: Callable[[], object]) -> Callable[[int], vs.Estimate]:
    def fitted(seed: int) -> vs.Estimate:
        data = _times(seed)
        return vs.from_model(fitter().fit(data["T"], data["E"]))

    return fitted


def _ancillary(seed: int) -> vs.Estimate:
    data = _times(seed)
    return vs.from_model(lifelines.WeibullAFTFitter().fit(data, "T", "E", ancillary=True), data)


MODELS: dict[str, Callable[[int], vs.Estimate]] = {
    "NB1": _counts(sm.NegativeBinomial, loglike_method="nb1"),
    "NB2": _counts(sm.NegativeBinomial),
    "GeneralizedPoisson": _counts(sm.GeneralizedPoisson),
    "exponential": _univariate(lifelines.ExponentialFitter),
    "Weibull": _univariate(lifelines.WeibullFitter),
    "log-normal": _univariate(lifelines.LogNormalFitter),
    "Weibull with ancillary": _ancillary,
}


def main(first: int, last: int, names: list[str]) -> None:
    """Print, by model, how many refits are nan, and which of them have a minimum all the same."""
    warnings.simplefilter("ignore")  # the libraries warn of fits that do not converge
    for name in names or MODELS:
        count: Counter[str] = Counter()
        missed = []
        for seed in range(first, last):
            try:
                est = MODELS[name](seed)
                refits = vs.leave_one_out(est)
            except Exception as error:  # noqa: BLE001  the libraries' own are counted too
                count[type(error).__name__] += 1
                continue
            nan = np.flatnonzero(np.isnan(refits.values).any(axis=1))
            found = [(seed, int(i)) for i in nan if Without(est, int(i)).has_minimum()]
            missed += found
            count["fits"] += 1
            count["refits"] += len(refits.values)
            count["nan"] += len(nan)
            count["nan with a minimum"] += len(found)
        print(name, dict(count), missed[:20], flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])

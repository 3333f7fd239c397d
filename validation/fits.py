"""The fitted models that several experiments share, and data drawn for others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import vifstats as vs
from vifstats.datasets import load_metabric, load_support
from vifstats.losses import Cox

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # what tests share is no package

__all__ = [
    "Survival",
    "cox",
    "drawn",
    "metabric",
    "metabric_validation",
    "minimum",
    "oracle_case",
    "support",
]


@dataclass(frozen=True, eq=False)
class Survival:
    """Training rows, and the covariates of those for whom is predicted.

    Attributes
    ----------
    X : DataFrame, shape (n, p)
    time, event : ndarray, shape (n,)
    X_test : DataFrame, shape (m, p)
    """

    X: pd.DataFrame
    time: np.ndarray
    event: np.ndarray
    X_test: pd.DataFrame

    @property
    def tied_events(self) -> int:
        """Events that share their time with another event."""
        times = pd.Series(self.time[self.event == 1])
        return int(times.duplicated(keep=False).sum())


def metabric() -> Survival:
    """The published split: 1218 rows, 381 predictions."""
    return _published(load_metabric)


def metabric_validation() -> Survival:
    """The rows that the published scripts stop by: 305, scaled as the training part."""
    part = load_metabric().groupby("split").get_group("val").drop(columns="split")
    X = part.drop(columns=["time", "event"])
    return Survival(X, part["time"].to_numpy(), part["event"].to_numpy(), X)


def support() -> Survival:
    """The published split: 5678 rows, 1775 predictions."""
    return _published(load_support)


@cache
def _published(load: Callable[[], pd.DataFrame]) -> Survival:
    parts = {name: part.drop(columns="split") for name, part in load().groupby("split")}
    train = parts["train"]
    X, X_test = (parts[name].drop(columns=["time", "event"]) for name in ("train", "test"))
    return Survival(X, train["time"].to_numpy(), train["event"].to_numpy(), X_test)


def oracle_case(name: str, ties: str = "efron") -> Any:
    """rossi, lung, veteran and others as tests/oracles.py has them, with the answers of R."""
    from oracles import load_case

    return load_case(name, ties)


def cox(name: str, ties: str = "efron") -> vs.Estimate:
    """A converged fit of one of them."""
    case = oracle_case(name, ties)
    return minimum(Cox(case.X, case.time, case.event, strata=case.strata, ties=ties))


def minimum(loss: Any) -> vs.Estimate:
    """Minimised from zero."""
    return vs.minimize(loss, np.zeros(loss.n_params))


def drawn(n: int, p: int, seed: int, *, censoring: float = 1.5) -> Cox:
    """Exponential times with hazard exp(x'theta), theta from -0.5 to 0.5, independent censoring."""
    rng = np.random.default_rng([seed, n, p])
    X = rng.normal(size=(n, p))
    time = rng.exponential(size=n) * np.exp(-X @ np.linspace(-0.5, 0.5, p))
    censored = rng.exponential(censoring, size=n)
    return Cox(X, np.minimum(time, censored), time <= censored)

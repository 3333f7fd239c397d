"""The data of the benchmark: exponential times, independent censoring, a seed for each size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vifstats.losses import Cox

__all__ = ["Problem", "drawn", "metabric", "support"]

DAYS = 3650


@dataclass(frozen=True, eq=False)
class Problem:
    """One Cox regression.

    Attributes
    ----------
    family : str
        "n", "p", "ties", "entry" or "data": which figure it belongs to.
    X : ndarray, shape (n, p)
    time : ndarray, shape (n,)
    event : ndarray of bool, shape (n,)
    entry : ndarray, shape (n,), or None
    """

    family: str
    name: str
    X: np.ndarray
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None = None

    @property
    def n(self) -> int:
        return len(self.X)

    @cached_property
    def theta(self) -> np.ndarray:
        """The fit, by plain Newton steps from zero."""
        loss, theta = (
            Cox(self.X, self.time, self.event, entry=self.entry),
            np.zeros(self.X.shape[1]),
        )
        for _ in range(12):
            theta = theta - np.linalg.solve(loss.hessian(theta), loss.gradient(theta))
        return theta


def drawn(family: str, n: int, p: int = 10) -> Problem:
    """Hazard exp(x'theta), about 60 % events.

    In the family "ties" the times are whole days of ten years, each used about as often; in "entry"
    everybody enters late, somewhere in the first nine tenths of the time to the exit.
    """
    rng = np.random.default_rng([n, p])
    X = rng.normal(size=(n, p))
    T = rng.exponential(size=n) * np.exp(-X @ np.linspace(-0.3, 0.3, p))
    C = rng.exponential(1.5, size=n)
    time, event, entry = np.minimum(T, C), T <= C, None
    if family == "ties":
        time = np.ceil(DAYS * (np.argsort(np.argsort(time)) + 1) / n)
    if family == "entry":
        entry = time * rng.uniform(0.0, 0.9, n)
    return Problem(family, f"{family}: {n} x {p}", X, time, event, entry)


def metabric(folder: Path) -> Problem:
    """The training rows of the published experiments, 1218 x 9."""
    return _of_paper("METABRIC", folder / "metabric.csv", [0, 1, 2, 3, 8])


def support(folder: Path) -> Problem:
    """The training rows of the published experiments, 5678 x 14: almost every event is tied."""
    return _of_paper("SUPPORT", folder / "support.csv", [0, 2, 3, *range(6, 14)])


def _of_paper(name: str, file: Path, scaled: list[int]) -> Problem:
    rows = pd.read_csv(file).query("split_pycox_seed0 == 'train'")
    X = rows.filter(regex="^x").to_numpy(float)
    X[:, scaled] = (X[:, scaled] - X[:, scaled].mean(axis=0)) / X[:, scaled].std(axis=0)
    return Problem("data", name, X, rows["time"].to_numpy(float), rows["event"].to_numpy() == 1)

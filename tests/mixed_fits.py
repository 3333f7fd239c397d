"""Mixed models that lme4 fitted too, of all rows, without each row and without each group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import vifstats as vs
from vifstats import targets

FOLDER = Path(__file__).parents[1] / "validation" / "oracles" / "mixed"


def _one(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    return frame[list(columns)].assign(Intercept=1.0)[["Intercept", *columns]]


@dataclass(frozen=True)
class MixedFit:
    """A data set of validation/oracles/mixed, and what lme4 says of it by REML or ML."""

    name: str
    reml: bool

    def __str__(self) -> str:
        return f"{self.name} by {'REML' if self.reml else 'ML'}"

    @property
    def data(self) -> pd.DataFrame:
        """The rows as fitted."""
        return pd.read_csv(FOLDER / f"{self.name}.csv")

    @property
    def groups(self) -> np.ndarray:
        """The label of each row's group."""
        return self.data["block" if self.name == "oats" else "subject"].to_numpy()

    def loss(self) -> vs.losses.MixedModel:
        """The same model here."""
        frame, components = self.data, None
        if self.name == "oats":
            X, Z, y = _one(frame, "nitro"), _one(frame), frame["yield"]
            components = {"plot": frame["plot"]}
        elif self.name == "sleepstudy":
            X, Z, y = _one(frame, "days"), _one(frame, "days"), frame["reaction"]
        else:
            X = _one(frame, "age", "male").assign(both=frame["age"] * frame["male"])
            Z, y = _one(frame, "age"), frame["distance"]
        return vs.losses.MixedModel(X, y, self.groups, Z, components=components, reml=self.reml)

    def estimate(self) -> vs.Estimate:
        """Our fit, computed once."""
        return _estimate(self)

    def lme4(self, kind: str) -> np.ndarray:
        """Fixed effects, sigma and components of "all", or without each "row" or "group"."""
        table = pd.read_csv(FOLDER / f"{self.name}_lme4.csv", keep_default_na=False)
        some = table[(table["reml"] == self.reml) & (table["kind"] == kind)]
        return some.iloc[:, 3:].to_numpy(dtype=float)


@cache
def _estimate(fit: MixedFit) -> vs.Estimate:
    loss = fit.loss()
    return vs.minimize(loss, loss.start())


def on_both(influence: vs.Influence) -> tuple[Any, Any]:
    """Its influences on fixed effects, and on sigma and the components."""
    return influence.on(targets.FixedEffects()), influence.on(targets.VarianceComponents())


FITS = [
    MixedFit(name, reml) for name in ("orthodont", "sleepstudy", "oats") for reml in (True, False)
]

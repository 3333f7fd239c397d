"""Fragility of GBSG2: how many edits, in how long, and that one edit fewer does not do it.

    python -m validation.benchmarks.fragility

Every exchange of two of the edits for another one is predicted by a Newton step on the data in
which the others are made; those that come nearest to the bound are refitted.
"""

from itertools import combinations
from time import process_time

import numpy as np
import pandas as pd
from lifelines.datasets import load_gbsg2

import vifstats as vs
from vifstats.targets import ZValue

QUESTIONS = (("censored -> event", 1), ("event -> censored", 0))
BOUND = 1.959964
REFITTED = 30


def gbsg2() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Hormone therapy and five other covariates, standardised; times; events."""
    data = load_gbsg2()
    arm = (data["horTh"] == "yes").astype(float).rename("hormone")
    others = data[["age", "menostat", "tsize", "tgrade", "pnodes"]]
    Z = pd.get_dummies(others, drop_first=True).astype(float)
    X = pd.concat([arm, (Z - Z.mean()) / Z.std()], axis=1)
    return X, data["time"].to_numpy(), data["cens"].to_numpy()


def fit(X: pd.DataFrame, time: np.ndarray, event: np.ndarray) -> vs.Estimate:
    """Of these data."""
    return vs.minimize(vs.losses.Cox(X, time, event), np.zeros(X.shape[1]))


def turned(event: np.ndarray, rows: list[int]) -> np.ndarray:
    """With the status of some rows turned."""
    event = event.copy()
    event[rows] = 1 - event[rows]
    return event


def nearest_exchange(
    X: pd.DataFrame, time: np.ndarray, event: np.ndarray, members: list[int], rest: np.ndarray
) -> tuple[float, int]:
    """The smallest |z| of those refitted with one edit fewer, and how many were predicted."""
    near = []
    for two in combinations(members, 2):
        kept = [row for row in members if row not in two]
        edits = vs.edit(fit(X, time, turned(event, kept)), event="flip", rows=rest)
        predicted = np.abs(vs.newton_step(edits).on(ZValue("hormone")).value_without[:, 0])
        near += [(z, [*kept, int(row)]) for z, row in zip(predicted, rest, strict=True)]
    best = sorted(near)[:REFITTED]
    return min(abs(fit(X, time, turned(event, s)).z_values[0]) for _, s in best), len(near)


def main() -> None:
    """Print a line for each kind of edit."""
    X, time, event = gbsg2()
    est = fit(X, time, event)
    for edits, arm in QUESTIONS:
        among = ((X["hormone"] == arm) & (event == edits.startswith("event"))).to_numpy()
        begin = process_time()
        found = vs.fragility(est, "hormone", edits=edits, among=among)
        seconds = process_time() - begin
        rest = np.setdiff1d(np.flatnonzero(among), found.members)
        z, n = nearest_exchange(X, time, event, list(found.members), rest)
        print(
            f"{edits}: {len(found)} edits, {found.status}, p = {found.actual:.4f}, {seconds:.2f} s "
            f"CPU; of {n} exchanges with one fewer the {REFITTED} nearest were refitted: "
            f"|z| {z:.4f}, {'above' if z > BOUND else 'BELOW'} {BOUND}",
            flush=True,
        )


if __name__ == "__main__":
    main()

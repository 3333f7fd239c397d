"""The survival curve without each row: by Breslow's formula, from its refit."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.reporting import describe, find
from vifstats.reporting.sections.survival import survival

N = 50


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, 2))
    time = rng.exponential(size=N) * np.exp(-X[:, 0])
    event = rng.random(N) < 0.8
    labels = [f"r{i:02d}" for i in range(N)]
    loss = vs.losses.Cox(pd.DataFrame(X, index=labels, columns=["a", "b"]), time, event)
    est = vs.minimize(loss, np.zeros(2))
    return X, time, event, est, find(est, top=N)


def probabilities(theta, X, time, event, x, at):
    """exp(-sum over events before t of exp(x'theta) / sum of exp(x_j'theta) at risk)."""
    risk = np.exp(X @ theta)
    jumps = np.array([event[i] / risk[time >= time[i]].sum() for i in range(len(time))])
    hazard = np.array([jumps[time <= t].sum() for t in at])
    return np.exp(-hazard * np.exp(x @ theta))


def test_the_largest_change_is_that_of_the_refits(fitted):
    X, time, event, est, findings = fitted
    curve = survival(findings)
    x = X.mean(axis=0)
    assert curve.everywhere and (curve.at == curve.times).all()
    full = probabilities(est.theta, X, time, event, x, curve.times)
    refits = vs.leave_one_out(est).params_without.to_numpy()
    rest = [[np.delete(part, i, axis=0) for part in (X, time, event)] for i in range(N)]
    without = np.stack([probabilities(refits[i], *rest[i], x, curve.times) for i in range(N)])
    assert curve.values == pytest.approx(full, rel=1e-6)
    assert curve.change.value == pytest.approx(full, rel=1e-6)
    assert curve.change.value_without == pytest.approx(without, rel=1e-6)
    row, at = np.unravel_index(np.abs(without - full).argmax(), without.shape)
    said = curve.numbers()
    assert said["row"] == f"r{row:02d}" and said["time"] == curve.times[at]
    assert said["percent"] == pytest.approx(100 * full[at], rel=1e-6)
    assert said["percent_without"] == pytest.approx(100 * without[row, at], rel=1e-6)
    assert said["points"] == pytest.approx(100 * abs(without[row, at] - full[at]), rel=1e-5)


def test_without_rows_nobody_is_named_and_no_time_is_anybodys(fitted):
    """Of the curve only a rounded count is left: of rows that move it by more than one point."""
    *_, est, findings = fitted
    said = describe(findings, rows=False, seconds=1e-9)["survival"]
    assert set(said) == {"points", "n", "sentence"} and said["points"] == 1.0
    largest = 100 * np.abs(survival(findings).change.influence).max(axis=1)
    n = int((largest > 1.0).sum())
    assert n > 5 and said["n"] % 5 == 0 and abs(said["n"] - n) <= 2
    assert not [label for label in est.labels if label in said["sentence"]]
    figures = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", said["sentence"])}
    assert figures <= {said["n"], said["points"], N}


def test_points_have_no_sign(fitted):
    curve = survival(fitted[-1])
    turned = replace(curve, change=replace(curve.change, influence=-curve.change.influence))
    assert turned.numbers()["points"] == curve.numbers()["points"] > 0

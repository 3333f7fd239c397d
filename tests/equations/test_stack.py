"""Blocks that read one another, against the same equations written as one."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import CONVERGED_FIT, REFERENCE, relative_error

import vifstats as vs
from vifstats.errors import (
    InvalidInputError,
    InvalidTypeError,
    LossError,
    NotPositiveDefiniteError,
    VifError,
)
from vifstats.losses.row_losses import Logistic


def problem(seed: int, n: int = 30):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    A = (rng.uniform(size=n) < 0.5).astype(float)
    A[:4] = [0, 1, 0, 1]
    X[:4, 1] = [-2, -2, 2, 2]  # neither arm lies on one side: no separation
    return X, A, rng.normal(size=n) + A


def hajek(t, data, gamma):
    X, A, y = data["X"], data["A"], data["y"]
    e = 1 / (1 + anp.exp(-anp.dot(X, gamma)))
    return anp.stack([A / e * (t[0] - y), (1 - A) / (1 - e) * (t[1] - y)], axis=1)


def stacked(seed: int) -> vs.Estimate:
    X, A, y = problem(seed)
    first = vs.minimize(vs.losses.LinearPredictor(Logistic(), X, A, names=["one", "x"]), [0.0, 0.0])
    means = vs.RowEquations(
        hajek, {"X": X, "A": A, "y": y}, names=["treated", "others"], reads=["propensity"]
    )
    return vs.root(vs.stack(propensity=first, mean=means), np.zeros(4))


def in_one(seed: int) -> vs.Equations:
    X, A, y = problem(seed)

    def psi(t, b):
        e = 1 / (1 + anp.exp(-anp.dot(X, t[:2])))
        score = anp.dot(X.T, b * (e - A))
        means = [anp.sum(b * A / e * (t[2] - y)), anp.sum(b * (1 - A) / (1 - e) * (t[3] - y))]
        return anp.concatenate([score, anp.array(means)])

    return vs.Equations(psi, len(y), 4)


@settings(max_examples=50)
@given(st.integers(0, 10_000))
def test_a_stack_is_the_equations_in_one(seed):
    est = stacked(seed)
    one = vs.Estimate(in_one(seed), est.theta)
    assert est.names == ("propensity: one", "propensity: x", "mean: treated", "mean: others")
    some = [(seed + k) % 30 for k in (0, 5, 11)]  # in the end every row
    for verb in (vs.vif, vs.classical_if, vs.newton_step):
        ours, own = (verb(each, objects=some).values for each in (est, one))
        assert relative_error(ours, own, floor=1e-6) <= 1e3 * REFERENCE
    ours, own = (vs.leave_one_out(each, objects=some[:1]).values for each in (est, one))
    assert relative_error(ours, own, floor=1e-6) <= CONVERGED_FIT
    assert est.standard_errors == pytest.approx(one.standard_errors, rel=1e-9)


def test_weights_arrive_from_anywhere_or_refuse():
    """Both steps begin somewhere: the propensity far out, where all its derivatives vanish, too."""
    est, rng = stacked(7), np.random.default_rng(1)
    X, A, y = problem(7)
    data, arrived = {"X": X, "A": A, "y": y}, 0
    score = vs.RowEquations(
        lambda t, d: d["X"] * (1 / (1 + anp.exp(-anp.dot(d["X"], t))) - d["A"])[:, None],
        data,
        n_params=2,
    )
    means = vs.RowEquations(hajek, data, n_params=2, reads=["propensity"])
    both = vs.stack(propensity=score, mean=means)
    for _ in range(25):
        start = rng.normal(size=4) * 10.0 ** rng.integers(-3, 3)
        try:
            found = vs.root(both, start)
        except VifError:
            continue
        arrived += 1
        assert (np.abs(found.theta - est.theta) <= 1e-6 * est.standard_errors).all()
    assert arrived


def test_clusters_enter_the_sandwich():
    est = stacked(1)
    ids = np.arange(30) // 3
    rows = vs.classical_if(est, groups=ids).values
    clustered = est.with_inference("robust", groups=ids)
    assert clustered.standard_errors == pytest.approx(np.sqrt((rows**2).sum(axis=0)), rel=1e-9)
    found = vs.conclusions(est)
    assert found is not None


def test_targets_take_a_root():
    est = stacked(2)
    change = vs.newton_step(est).on(lambda theta, b, loss: theta[2] - theta[3])
    values = vs.newton_step(est).values
    assert relative_error(change.influence, (values[:, 2] - values[:, 3])[:, None]) <= REFERENCE


def test_bad_blocks_say_what_is_wrong():
    X, A, y = problem(3)
    data = {"X": X, "A": A, "y": y}
    first = vs.minimize(vs.losses.LinearPredictor(Logistic(), X, A), [0.0, 0.0])
    means = vs.RowEquations(hajek, data, n_params=2, reads=["propensity"])
    with pytest.raises(InvalidInputError, match="put those first"):
        vs.stack(mean=means, propensity=first)
    with pytest.raises(InvalidInputError, match="how many parameters"):
        vs.stack(mean=vs.RowEquations(hajek, data, reads=["propensity"]))
    few = vs.RowEquations(lambda t, d: (t[0] - d)[:, None], y[:20], n_params=1)
    with pytest.raises(InvalidInputError, match="same rows"):
        vs.stack(propensity=first, few=few)
    with pytest.raises(InvalidInputError, match="at least one"):
        vs.stack()
    with pytest.raises(InvalidInputError, match="needs a start"):
        vs.root(vs.stack(propensity=first, mean=means))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: vs.root(vs.MEstimator(lambda t, y: (y - t[0]) ** 2, np.ones(3))),
            InvalidTypeError,
            "minimize",
        ),
        (lambda: vs.minimize(in_one(0), np.zeros(4)), InvalidTypeError, "root"),
        (lambda: vs.Equations("psi", 3, 1), InvalidTypeError, "function"),
        (lambda: vs.RowEquations(3, np.ones(3)), InvalidTypeError, "function"),
        (
            lambda: vs.root(vs.RowEquations(lambda t, y: t[0] - y, np.ones(3)), [0.0]),
            LossError,
            "one row of terms",
        ),
        (
            lambda: vs.root(vs.Equations(lambda t, b: t[:1] * 0 + 1.0, 3, 2), [0.0, 0.0]),
            LossError,
            "one number for each",
        ),
        (lambda: vs.vif(stacked(0), solver=vs.solvers.Cholesky()), InvalidInputError, "LU"),
        (lambda: vs.truncated_refits(stacked(0)), InvalidInputError, "no value"),
        (lambda: vs.newton_step(stacked(0), guard=True), InvalidInputError, "no value"),
    ],
)
def test_bad_equations_say_what_is_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_no_root_is_said():
    nowhere = vs.Equations(lambda t, b: anp.array([anp.sum(b) + t[0] ** 2]), 3, 1)
    with pytest.raises(vs.errors.ConvergenceError, match="root"):
        vs.root(nowhere, [1.0])


def test_a_search_that_cannot_begin_says_why():
    y = np.arange(6.0)
    X = np.column_stack([np.ones(6), y, 2 * y])
    logs = vs.RowEquations(lambda t, d: (anp.log(t[0]) - d)[:, None], y, n_params=1)
    with pytest.raises(InvalidInputError, match="must be finite where the search begins"):
        vs.root(logs, [-1.0])
    collinear = vs.RowEquations(
        lambda t, d: X * (anp.dot(X, t) - d)[:, None], y, names=["one", "dose", "twice"]
    )
    with pytest.raises(NotPositiveDefiniteError, match="along \\['dose', 'twice'\\]"):
        vs.root(collinear, [0.0, 0.0, 0.0])

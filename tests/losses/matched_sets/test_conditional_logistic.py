"""Matched sets: the definition by listing every choice of cases, Cox's model, and statsmodels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import CONVERGED_FIT, FINITE_DIFFERENCE, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.losses import ConditionalLogistic, Cox
from vifstats.losses.base import Loss
from vifstats.removals import Removals


def random_sets(rng: np.random.Generator, largest: int = 7) -> tuple[np.ndarray, ...]:
    """Rows of shuffled sets of 1 to ``largest`` members, each with a case."""
    sizes = rng.integers(1, largest + 1, rng.integers(2, 6))
    sets = np.repeat(np.arange(len(sizes)), sizes)
    y = (rng.random(len(sets)) < rng.uniform(0.1, 0.9)).astype(int)
    y[np.cumsum(sizes) - sizes] = 1
    order = rng.permutation(len(sets))
    return rng.normal(size=(len(sets), 2)), y[order], sets[order]


def value_by_listing(X, y, sets, theta, present):
    """-log P(these are the cases | their number), from every choice there is."""
    total = 0.0
    for s in np.unique(sets):
        rows = np.flatnonzero((sets == s) & present)
        cases = rows[y[rows] == 1]
        choices = [sum(X[list(c)] @ theta) for c in combinations(rows, len(cases))]
        total += np.log(np.sum(np.exp(choices))) - (X[cases] @ theta).sum()
    return total


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_the_value_is_that_of_listing_every_choice(seed):
    rng = np.random.default_rng(seed)
    X, y, sets = random_sets(rng)
    theta, present = rng.normal(size=2), rng.random(len(y)) < 0.8
    found = ConditionalLogistic(X, y, sets).value(theta, present.astype(float))
    expected = value_by_listing(X, y, sets, theta, present)
    assert found == pytest.approx(expected, rel=REFERENCE, abs=REFERENCE)


@settings(max_examples=6)  # the automatic derivatives take seconds each
@given(st.integers(0, 2**32 - 1))
def test_the_recursions_are_the_automatic_derivatives(seed):
    rng = np.random.default_rng(seed)
    X, y, sets = random_sets(rng, largest=4)
    offset = rng.normal(size=len(y))
    loss = ConditionalLogistic(X, y, sets, offset=offset, penalty=0.5)
    theta = rng.normal(size=2)
    for removals in (loss.each(), Removals.of_groups(rng.integers(0, 3, len(y)))):
        for name in ("gradient_differences", "reduced_hessians", "weight_gradients"):
            fast, slow = (
                getattr(loss, name)(theta, removals),
                getattr(Loss, name)(loss, theta, removals),
            )
            assert relative_error(fast, slow, np.abs(slow).max() + 1) < ROUNDING, name
        thetas = rng.normal(size=(len(removals), 2))
        for fast, slow in zip(
            loss.reduced_slopes(thetas, removals),
            Loss.reduced_slopes(loss, thetas, removals),
            strict=True,
        ):
            assert relative_error(fast, slow, np.abs(slow).max() + 1) < ROUNDING
        fast = loss.reduced_curvatures(thetas, removals)
        slow = Loss.reduced_curvatures(loss, thetas, removals)
        assert relative_error(fast, slow, np.abs(slow).max() + 1) < ROUNDING


def test_with_one_case_a_set_it_is_cox_with_strata():
    rng = np.random.default_rng(3)
    sets, X = np.repeat(np.arange(30), 4), rng.normal(size=(120, 3))
    y = (np.arange(120) % 4 == 0).astype(int)
    matched, cox = ConditionalLogistic(X, y, sets), Cox(X, np.ones(120), y, strata=sets)
    theta = rng.normal(size=3)
    for name in ("gradient", "hessian", "gradient_differences", "reduced_hessians"):
        assert relative_error(getattr(matched, name)(theta), getattr(cox, name)(theta)) < ROUNDING
    # a share of a case is another thing there: a share of the event, not of the choice
    a, b = matched.weight_gradients(theta)[y == 0], cox.weight_gradients(theta)[y == 0]
    assert relative_error(a, b) < ROUNDING


def test_a_set_of_thousands_stays_within_the_range_of_doubles():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(2000, 1)), np.arange(2000) % 2
    loss = ConditionalLogistic(X, y, np.zeros(2000))
    theta, step = np.ones(1), 1e-4
    # e_m is the integral of a product around a circle, here by 4096 points, far from the recursion
    eta = (X[:, 0] - X[:, 0].mean()) * theta
    z = np.exp(2j * np.pi * np.arange(4096) / 4096)
    logs = np.log1p(np.exp(eta)[:, None] * z).sum(axis=0) - 1000 * np.log(z)
    top = logs.real.max()
    expected = top + np.log(np.mean(np.exp(logs - top)).real) - eta[y == 1].sum()
    nobody = Removals.nobody(2000)
    low, middle, high = (
        loss.reduced_slopes(theta[None] + s, nobody)[0][0] for s in (-step, 0.0, step)
    )
    assert middle == pytest.approx(expected, rel=ROUNDING)
    slope = (high - low) / (2 * step)
    assert loss.gradient(theta)[0] == pytest.approx(slope, rel=FINITE_DIFFERENCE)
    assert (loss.hessian(theta) > 0).all()


def test_influences_of_one_to_one_sets_need_the_finite_difference():
    rng = np.random.default_rng(0)
    n_sets, beta = 200, np.array([0.7, -0.4, 0.2])
    X, sets = rng.normal(size=(2 * n_sets, 3)), np.repeat(np.arange(n_sets), 2)
    p = np.exp(X @ beta).reshape(n_sets, 2)
    first = rng.random(n_sets) < p[:, 0] / p.sum(axis=1)
    y = np.stack([first, ~first], axis=1).ravel().astype(int)
    est = vs.minimize(ConditionalLogistic(X, y, sets), np.zeros(3))
    controls = y == 0
    refits = vs.leave_one_out(est).values[controls]
    spread = refits.std(axis=0)

    def agreement(method):
        a, r = (values / spread for values in (method(est).values[controls], refits))
        return (a * r).sum() / (a * a).sum(), np.corrcoef(a.ravel(), r.ravel())[0, 1]

    slope, pearson = agreement(vs.classical_if)
    assert slope >= 2 and pearson <= 0.90
    slope, pearson = agreement(vs.vif)
    assert slope <= 1.08 and pearson >= 0.999


@pytest.fixture(scope="module", params=["one case a set", "several", "offset"])
def fitted(request):
    rng = np.random.default_rng(8)
    n, size = 96, 6
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["dose", "age"])
    X.index = [f"child {i}" for i in range(n)]
    sets = np.repeat(np.arange(n // size), size)
    y = np.zeros(n)
    y[::size] = 1
    if request.param != "one case a set":
        y[1::size] = rng.random(n // size) < 0.6
        y[2::size] = rng.random(n // size) < 0.3
    options = {"offset": rng.normal(size=n)} if request.param == "offset" else {}

    def fit(rows):
        kept = {name: values[rows] for name, values in options.items()}
        model = sm.ConditionalLogit(y[rows], X.iloc[rows], groups=sets[rows], **kept)
        return model.fit(disp=0, method="newton")

    return fit, n


def test_refits_are_those_of_statsmodels(fitted):
    fit, n = fitted
    est = vs.from_model(fit(np.arange(n)))
    assert est.names == ("dose", "age")
    without = vs.leave_one_out(est).params_without
    for i in range(1, n, 7):
        if i % 6 == 0:  # statsmodels warns of, and drops, the set that has lost its only case
            continue
        theirs = fit(np.delete(np.arange(n), i)).params
        error = (without.iloc[i] - np.asarray(theirs)) / est.standard_errors
        assert np.abs(error).max() < 100 * CONVERGED_FIT


@pytest.mark.filterwarnings("ignore:Dropped 2 groups")  # statsmodels says what this test is about
def test_sets_without_variation_are_not_in_the_fit():
    rng = np.random.default_rng(2)
    sets, X = np.repeat(np.arange(20), 3), rng.normal(size=(60, 1))
    y = np.tile([1, 0, 0], 20)
    y[:3], y[3:6] = 0, 1
    est = vs.from_model(sm.ConditionalLogit(y, X, groups=sets).fit(disp=0, method="newton"))
    status = vs.vif(est).status
    assert (status.iloc[:6] == "not in fit").all() and (status.iloc[6:] == "ok").all()


@pytest.mark.parametrize(
    ("y", "message"), [([0, 0, 1, 0], "has none"), ([1, 2, 1, 0], "1 for cases")]
)
def test_bad_input_is_refused(y, message):
    with pytest.raises(vs.errors.InvalidInputError, match=message):
        ConditionalLogistic(np.eye(4)[:, :1], y, [1, 1, 2, 2])

"""ListMLE and softmax cross-entropy: the definitions, ownership, and the sums over pools."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import CONVERGED_FIT, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import ListMLE, Loss, SoftmaxCrossEntropy

ITEMS, QUERIES = 5, 14


def lists(seed: int = 0, n: int = QUERIES) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [list(rng.permutation(ITEMS)[: rng.integers(0, ITEMS + 1)]) for _ in range(n)]


def features(seed: int = 1, n: int = QUERIES) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2))


def softmax(weights: str):
    def make(*args, **options):
        return SoftmaxCrossEntropy(*args, weights=weights, **options)

    return make


LOSSES = {
    "ListMLE": ListMLE,
    "softmax renormalised": softmax("renormalised"),
    "softmax fixed": softmax("fixed"),
}
EVERY_LOSS = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
EITHER = pytest.mark.parametrize("objects", ["items", "queries"])


def build(make, objects="items", ridge=0.5, X=None, Y=None):
    X = features() if X is None else X
    return make(X, lists() if Y is None else Y, items=ITEMS, ridge=ridge, objects=objects)


def place(loss, seed=2, spread=1.0):
    return spread * np.random.default_rng(seed).normal(size=loss.n_params)


# --- the definitions, term by term -------------------------------------------------------------


def list_mle(scores, listed, present):
    pool = [item for item in range(ITEMS) if present[item]]
    total = 0.0
    for item in listed:
        if present[item]:
            total += np.log(sum(np.exp(scores[other]) for other in pool)) - scores[item]
            pool.remove(item)
    return total


def cross_entropy(scores, listed, present, fixed):
    there = [item for item in listed if present[item]]
    if not there:
        return 0.0
    log_total = np.log(sum(np.exp(s) for s, here in zip(scores, present, strict=True) if here))
    terms = [log_total - scores[item] for item in there]
    return sum(terms) / len(listed if fixed else there)


DEFINITIONS = {
    "ListMLE": list_mle,
    "softmax renormalised": lambda *args: cross_entropy(*args, fixed=False),
    "softmax fixed": lambda *args: cross_entropy(*args, fixed=True),
}


@pytest.mark.parametrize("name", LOSSES)
@EITHER
def test_the_value_is_the_definition(name, objects):
    loss = build(LOSSES[name], objects)
    theta = place(loss)
    W = theta.reshape(ITEMS, 3)
    for b in [loss.everyone(), (np.arange(loss.n_objects) % 3 > 0).astype(float)]:
        items = b if objects == "items" else np.ones(ITEMS)
        queries = np.ones(QUERIES) if objects == "items" else b
        expected = 0.25 * float(items @ (W**2).sum(axis=1))
        for x, listed, here in zip(features(), lists(), queries, strict=True):
            scores = W @ np.append(x, 1.0)
            expected += here * DEFINITIONS[name](scores, listed, items)
        assert float(loss.value(theta, b)) == pytest.approx(expected, rel=REFERENCE)


@EVERY_LOSS
@EITHER
@pytest.mark.parametrize("spread", [0.1, 3.0, 60.0])
def test_fast_paths_equal_their_defaults(make, objects, spread):
    """Scores up to several hundred apart: sums over pools are never differences."""
    loss = build(make, objects)
    theta = place(loss, spread=spread)
    rng = np.random.default_rng(3)
    for b in [None, np.zeros(loss.n_objects), rng.random(loss.n_objects)]:
        unit = np.abs(Loss.gradient(loss, theta)).max()
        for method in ("gradient", "hessian"):
            found = getattr(loss, method)(theta, b)
            expected = getattr(Loss, method)(loss, theta, b)
            assert relative_error(found.ravel(), expected.ravel(), unit) < ROUNDING


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.1, 30.0))
def test_derivatives_of_random_lists(seed, spread):
    loss = build(ListMLE, X=features(seed), Y=lists(seed))
    theta, b = place(loss, seed, spread), (np.random.default_rng(seed).random(ITEMS) < 0.7) * 1.0
    unit = np.abs(Loss.gradient(loss, theta)).max()
    gradient, H = Loss.gradient(loss, theta, b), Loss.hessian(loss, theta, b)
    assert relative_error(loss.gradient(theta, b), gradient, unit) < ROUNDING
    assert relative_error(loss.hessian(theta, b), H, unit) < ROUNDING


@EVERY_LOSS
@EITHER
def test_sparse_features_change_nothing(make, objects):
    X = np.where(np.abs(features()) > 0.7, features(), 0.0)
    dense = build(make, objects, X=X)
    sparse = build(make, objects, X=scipy.sparse.csr_array(X))
    theta = place(dense)
    b = (np.arange(dense.n_objects) % 4 > 0).astype(float)
    assert float(sparse.value(theta, b)) == pytest.approx(float(dense.value(theta, b)), rel=1e-13)
    for method in ("gradient", "hessian", "gradient_differences"):
        found = getattr(sparse, method)(theta)
        assert relative_error(found, getattr(dense, method)(theta)) < ROUNDING
    H = Loss.hessian(sparse, theta, b)
    assert relative_error(H, dense.hessian(theta, b)) < ROUNDING


def test_chunks_of_queries_change_nothing(monkeypatch):
    from vifstats.losses.ranking import choice_hessian

    loss = build(ListMLE)
    whole = loss.hessian(place(loss))
    monkeypatch.setattr(choice_hessian, "CHUNK_NUMBERS", 60)
    monkeypatch.setattr(choice_hessian, "TILE", 4)
    assert relative_error(loss.hessian(place(loss)), whole) < ROUNDING
    assert np.array_equal(whole, whole.T)


# --- ownership -------------------------------------------------------------------------------


def without(item: int) -> list[list[int]]:
    """The lists of the other items, renumbered."""
    return [[k - (k > item) for k in row if k != item] for row in lists()]


@pytest.mark.parametrize("name", ["ListMLE", "softmax renormalised"])
def test_refits_are_fits_to_lists_that_never_had_the_item(name):
    est = vs.minimize(build(LOSSES[name]), np.zeros(3 * ITEMS))
    exact = vs.leave_one_out(est)
    for item in range(ITEMS):
        other = LOSSES[name](features(), without(item), items=ITEMS - 1, ridge=0.5)
        alone = vs.minimize(other, np.zeros(3 * (ITEMS - 1))).theta
        left = np.delete((est.theta - exact.values[item]).reshape(ITEMS, 3), item, axis=0)
        assert np.abs(left.ravel() - alone).max() < CONVERGED_FIT
        assert np.isnan(exact.values[item].reshape(ITEMS, 3)[item]).all()


def test_vif_is_deletion_from_the_inverse():
    """-(H^-1)_KK (D_i)_K, at a theta that is exactly the minimum and at one that is a bit off."""
    est = vs.minimize(build(ListMLE), np.zeros(3 * ITEMS))
    off = vs.Estimate(est.loss, est.theta + 1e-3 * est.standard_errors)
    for fit in (est, off):
        D = Loss.gradient_differences(fit.loss, fit.theta)
        inverse = np.linalg.inv(fit.hessian)
        for item, row in enumerate(vs.vif(fit).values):
            kept = np.setdiff1d(np.arange(len(row)), fit.loss.owned(item))
            expected = -inverse[np.ix_(kept, kept)] @ D[item, kept]
            assert relative_error(row[kept], expected) < 1e-9


@EVERY_LOSS
def test_errors_are_those_of_small_problems(make):
    """Five items: vif is 0.10 to 0.20 off, newton a tenth of that."""
    est = vs.minimize(build(make), np.zeros(3 * ITEMS))
    exact = vs.leave_one_out(est)
    assert vs.compare(vs.vif(est), exact).frobenius < 0.25
    assert vs.compare(vs.newton_step(est), exact).frobenius < 0.05


def test_status_says_what_is_owned():
    est = vs.minimize(build(ListMLE), np.zeros(3 * ITEMS))
    assert (vs.vif(est).status == "owned").all()
    assert est.names[3:6] == ("1:x0", "1:x1", "1:bias")


@EVERY_LOSS
def test_queries_are_a_sum_so_vif_is_the_classical_if(make):
    est = vs.minimize(build(make, "queries"), np.zeros(3 * ITEMS))
    assert relative_error(vs.vif(est).values, vs.classical_if(est).values) < ROUNDING
    assert (vs.vif(est).status != "owned").all()
    silent = [k for k, row in enumerate(lists()) if not row]
    assert silent and (vs.vif(est).values[silent] == 0).all()
    assert (vs.leave_one_out(est).values[silent] == 0).all()


@EVERY_LOSS
@EITHER
def test_many_parameters_are_refitted_alike(make, objects, monkeypatch):
    """From the factor of the full Hessian, as above `LARGE` parameters, and by own Hessians."""
    from vifstats.solvers import quasi_newton

    loss = build(make, objects)
    est = vs.minimize(loss, np.zeros(3 * ITEMS))
    exact = vs.leave_one_out(est)
    monkeypatch.setattr(quasi_newton, "LARGE", 3)
    again = vs.minimize(loss, np.zeros(3 * ITEMS))
    assert (np.abs(again.theta - est.theta) / est.standard_errors).max() < CONVERGED_FIT
    found = vs.leave_one_out(again)
    assert np.array_equal(np.isnan(found.values), np.isnan(exact.values))
    error = np.abs(found.values - exact.values) / est.standard_errors
    assert np.nanmax(error) < CONVERGED_FIT


# --- what comes in ---------------------------------------------------------------------------


def test_a_matrix_lists_its_columns_in_their_order():
    Y = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]])
    labels = ["a", "b", "c"]
    X = pd.DataFrame({"age": [1.0, 2.0, 3.0]}, index=list("pqr"))
    given_lists = ListMLE(X, [["a", "c"], [], ["b", "c"]], items=labels, ridge=1.0)
    theta = place(given_lists)
    for matrix in (pd.DataFrame(Y, columns=labels), scipy.sparse.csr_array(Y), Y):
        loss = ListMLE(X, matrix, items=labels, ridge=1.0)
        assert loss.value(theta, loss.everyone()) == given_lists.value(theta, loss.everyone())
        assert list(loss.labels) == labels and loss.names[0] == "a:age"
    assert list(ListMLE(X, Y, ridge=1.0, objects="queries").labels) == list("pqr")


def test_the_order_of_a_list_matters_to_list_mle_only():
    X, forward, backward = [[0.3]], [[0, 1, 2]], [[2, 1, 0]]
    theta = np.array([1.0, 0.0, 0.5, 0.5, -1.0, 0.2])
    values = [
        [
            float(make(X, Y, items=3, ridge=1.0).value(theta, np.ones(3)))
            for Y in (forward, backward)
        ]
        for make in LOSSES.values()
    ]
    differ = [abs(a - b) > 0.1 for a, b in values]
    assert differ == [True, False, False]


@pytest.mark.parametrize(
    ("Y", "items", "error", "message"),
    [
        ([["a"], ["z"]], ["a", "b"], InvalidInputError, "query 1 lists 'z'"),
        ([["a", "b", "a"], ["b"]], None, InvalidInputError, "query 0 lists 'a' twice"),
        (["ab", "ba"], None, InvalidTypeError, "write \\[label\\]"),
        ([["a"], ["b"]], ["a", "b", "a"], InvalidInputError, "'a' occurs twice"),
        (np.array([[1, 2], [0, 1]]), None, InvalidInputError, "0 and 1"),
        (np.eye(2), ["a"], InvalidInputError, "inconsistent numbers"),
        ([["a"], ["b"], ["a"]], None, InvalidInputError, "the data have 3 rows, `X` has 2"),
    ],
)
def test_bad_lists_are_refused(Y, items, error, message):
    with pytest.raises(error, match=message):
        ListMLE([[0.0], [1.0]], Y, items=items, ridge=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ridge": 0.0}, "`ridge` must be positive"),
        ({"ridge": 1.0, "objects": "rows"}, "`objects` must be one of"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        ListMLE([[0.0]], [["a"]], **options)
    with pytest.raises(InvalidInputError, match="`weights` must be one of"):
        SoftmaxCrossEntropy([[0.0]], [["a"]], ridge=1.0, weights="mean")


def test_sparse_features_must_be_finite():
    X = scipy.sparse.csr_array([[np.nan], [1.0]])
    with pytest.raises(InvalidInputError, match="must be finite"):
        ListMLE(X, [["a"], ["b"]], ridge=1.0)

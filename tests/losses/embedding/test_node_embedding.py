"""Node embeddings: the loss, its gauge and what vif says of the Karate club."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from cases import BY_NAME
from tolerances import CONVERGED_FIT, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, NotPositiveDefiniteError
from vifstats.losses import NodeEmbedding
from vifstats.solvers import Cholesky, ConjugateGradient, Eigen
from vifstats.targets import PairLoss

KARATE = nx.karate_club_graph()
N = 34
PATH = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)


@pytest.fixture(scope="module", params=[1.0, 3.0], ids="ridge {:g}".format)
def est(request):
    loss = NodeEmbedding(KARATE, ridge=request.param)
    return vs.minimize(loss, loss.start())


@pytest.fixture(scope="module")
def exact(est):
    return vs.leave_one_out(est)


# The loss


def test_the_loss_by_its_definition():
    loss = NodeEmbedding(PATH, dim=2, length=3, window=1, ridge=0.7)
    theta = loss.start(1)
    P, Q = theta.reshape(2, 4, 2)
    b = np.array([1.0, 1.0, 0.0, 1.0])
    kept = [0, 1, 3]
    # walks 0 1 0, 1 0 1 and 3 3 3; pairs with k = j and k = j - 1
    pairs = [(0, 0), (1, 1), (0, 0), (1, 0), (0, 1)]
    pairs += [(1, 1), (0, 0), (1, 1), (0, 1), (1, 0)] + 5 * [(3, 3)]
    expected = 0.35 * (np.sum(P[kept] ** 2) + np.sum(Q[kept] ** 2))
    for u, v in pairs:
        expected += np.log(np.sum(np.exp(Q[kept] @ P[u]))) - P[u] @ Q[v]
    assert loss.value(theta, b) == pytest.approx(expected, rel=REFERENCE)


def test_every_form_of_a_graph_is_the_same_graph():
    A = nx.to_numpy_array(KARATE, weight=None)
    forms = [A, A.astype(bool), scipy.sparse.csr_array(A), scipy.sparse.coo_matrix(A)]
    loss = NodeEmbedding(KARATE)
    assert loss.n_params == 136 and list(loss.labels) == list(range(N))
    theta = loss.start()
    for form in forms:
        assert NodeEmbedding(form).value(theta, np.ones(N)) == loss.value(theta, np.ones(N))


def test_nodes_keep_their_names_and_their_order():
    graph = nx.Graph([("d", "a"), ("a", "c")])
    assert list(NodeEmbedding(graph).labels) == ["d", "a", "c"]
    grid = NodeEmbedding(nx.grid_2d_graph(2, 2))
    assert grid.labels[1] == (0, 1) and len(grid.labels) == 4
    frame = pd.DataFrame(PATH, index=list("wxyz"), columns=list("wxyz"))
    assert list(NodeEmbedding(frame, objects="edges").labels) == ["w-x", "x-y", "y-z"]


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (nx.DiGraph([(0, 1)]), InvalidTypeError, "undirected .* DiGraph; pass networkx.Graph"),
        (nx.MultiGraph([(0, 1)]), InvalidTypeError, "one edge between two nodes"),
        (2 * PATH, InvalidInputError, r"0 or 1, .* \(0, 1\) is 2; pass \(A != 0\)"),
        (np.triu(PATH), InvalidInputError, r"symmetric, but \(0, 1\) is 1 and \(1, 0\) is 0"),
        (PATH[:2], InvalidInputError, r"square .* \(2, 4\)"),
        (np.where(PATH > 0, np.nan, 0), InvalidInputError, "is nan"),
        ("karate", InvalidTypeError, "numeric"),
    ],
)
def test_other_graphs_are_refused(graph, error, message):
    with pytest.raises(error, match=message):
        NodeEmbedding(graph)


@pytest.mark.parametrize(
    "options",
    [{"dim": 0}, {"length": 0}, {"window": 0}, {"ridge": -1.0}, {"samples": 0}, {"objects": "?"}],
)
def test_other_options_are_refused(options):
    with pytest.raises(InvalidInputError, match=f"`{next(iter(options))}` must be"):
        NodeEmbedding(PATH, **options)


def test_there_is_no_classical_influence_of_what_is_rebuilt():
    loss = NodeEmbedding(PATH, dim=1)
    with pytest.raises(InvalidInputError, match="NodeEmbedding rebuilds .* use vif"):
        vs.classical_if(vs.minimize(loss, loss.start()))
    with pytest.raises(InvalidInputError, match=r"presence must be 0 or 1, but that of 1 is 0\.5"):
        loss.value(loss.start(), np.array([1.0, 0.5, 1.0, 1.0]))


@pytest.mark.parametrize("samples", [None, 50])
def test_an_absent_edge_is_one_that_never_was(samples):
    edges = nx.Graph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)])
    loss = NodeEmbedding(edges, objects="edges", samples=samples)
    assert list(loss.labels) == ["0-1", "0-2", "0-3", "1-2", "2-3"]
    report = vs.check_loss(loss, loss.start())
    assert report.findings["owned"] == "no parameter is owned"
    if samples is None:
        less = NodeEmbedding(nx.Graph([(0, 1), (1, 2), (2, 3), (3, 0)]))
        b = np.array([1.0, 0.0, 1.0, 1.0, 1.0])
        value = loss.value(loss.start(), b)
        assert value == pytest.approx(less.value(less.start(), np.ones(4)), rel=REFERENCE)


def test_edges_are_removed_as_nodes_are():
    loss = NodeEmbedding(KARATE, objects="edges")
    est = vs.minimize(loss, loss.start())
    exact = vs.leave_one_out(est)
    assert (exact.status == "ok").all() and exact.index[0] == "0-1" and len(exact.index) == 78
    assert mean_pearson(vs.vif(est).on(PairLoss()), exact.on(PairLoss())) > 0.89


# Gauge


def turned(theta: np.ndarray, angle: float = 0.7) -> np.ndarray:
    """Both tables rotated."""
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (theta.reshape(2, N, 2) @ R).ravel()


def test_rotations_are_the_null_space(est):
    gauge = est.loss.gauge(est.theta)
    eigenvalues = np.linalg.eigvalsh(est.hessian)
    assert (eigenvalues < 1e-10 * eigenvalues[-1]).sum() == len(gauge) == 1
    assert relative_error(est.hessian @ gauge[0], 0 * gauge[0], eigenvalues[-1]) < ROUNDING


def test_without_a_ridge_tables_can_be_exchanged_and_shifted():
    loss = NodeEmbedding(KARATE, dim=3, ridge=0.0)
    gauge, theta = loss.gauge(loss.start()), loss.start()
    assert gauge.shape == (9 + 3, loss.n_params) and np.linalg.matrix_rank(gauge) == 12
    for direction in gauge:
        step = 1e-4 * direction
        there = loss.value(theta + step, np.ones(N)) - loss.value(theta - step, np.ones(N))
        assert abs(there) < 1e-7  # of third order in the step


def test_targets_do_not_turn_with_the_tables(est):
    other = vs.Estimate(est.loss, turned(est.theta))
    for method in (vs.vif, vs.newton_step, vs.truncated_refits):
        one, two = (method(e).on(PairLoss()).influence for e in (est, other))
        np.testing.assert_array_equal(np.isnan(one), np.isnan(two))
        assert relative_error(np.nan_to_num(two), np.nan_to_num(one)) < CONVERGED_FIT


def test_what_is_reported_of_a_member_does_not_turn(est):
    """Displacement of the likelihood, and what is made of it."""
    one, two = vs.vif(est), vs.vif(vs.Estimate(est.loss, turned(est.theta)))
    for name in ("likelihood_displacement", "cooks_distance"):
        assert relative_error(getattr(two, name), getattr(one, name)) < CONVERGED_FIT
    assert one.lmax.idxmax() == 0 and one.cooks_distance.idxmax() == 0
    assert list(one.top(2).index) == list(two.top(2).index)


@pytest.mark.parametrize(
    ("solver", "bound"),
    [(Eigen(), ROUNDING), (ConjugateGradient(tol=1e-12), ROUNDING), (Cholesky(1e-6), 1e-4)],
    ids=str,
)
def test_other_solvers_stay_on_the_complement_too(est, solver, bound):
    expected, found = vs.vif(est), vs.vif(est, solver=solver)
    kept = np.isfinite(expected.values)
    assert relative_error(found.values[kept], expected.values[kept]) < bound
    assert "gauge directions left out: 1" in repr(expected)


def test_eigen_says_what_it_left_out(est):
    assert "1 of 136 directions left out (eigenvalues below 1e-09" in repr(
        vs.vif(est, solver=Eigen())
    )


def test_a_gauge_that_is_not_declared_is_an_error():
    loss = BY_NAME["node embedding in a plane"].loss()
    loss.__class__ = type("Silent", (type(loss),), {"gauge": vs.losses.Loss.gauge})
    with pytest.raises(NotPositiveDefiniteError, match="say so in its `gauge`"):
        vs.minimize(loss, loss.start())


# Karate


def test_a_member_owns_its_rows(est, exact):
    for result in (vs.vif(est), vs.newton_step(est), exact, vs.truncated_refits(est)):
        without = np.isnan(result.values).reshape(N, 2, N, 2)
        rows = np.einsum("itid->itd", without[np.isin(np.arange(N), np.arange(1, N))][:, :, 1:])
        assert rows.all()
    assert (exact.status == "owned").all() and exact.exact.all()
    change = exact.on(PairLoss([(0, 5), (3, 3)]))
    assert np.argwhere(np.isnan(change.influence)).tolist() == [[0, 0], [3, 1], [5, 0]]


def test_refits_are_minima_and_do_not_depend_on_the_way(est, exact):
    """The same from the full fit itself, by trust-region steps, as from a Newton step."""
    far = vs.truncated_refits(est, max_steps=15).on(PairLoss()).influence
    near = exact.on(PairLoss()).influence
    assert relative_error(np.nan_to_num(far), np.nan_to_num(near)) < 1e-6
    for i in (0, 33):
        b = est.removals().presence(i)
        theta = np.nan_to_num(est.theta - exact.values[i])
        assert np.abs(est.loss.gradient(theta, b)).max() < 1e-6
        kept = np.setdiff1d(np.arange(136), est.loss.owned(i))
        eigenvalues = np.linalg.eigvalsh(est.loss.hessian(theta, b)[np.ix_(kept, kept)])
        assert abs(eigenvalues[0]) < 1e-6 < 0.1 < eigenvalues[1]


def mean_pearson(approximation, exact, without=()) -> float:
    """Over the pairs, of the correlation over removals."""
    kept = ~np.isin(np.arange(len(exact.influence)), without)
    a, r = approximation.influence[kept], exact.influence[kept]
    both = np.isfinite(a) & np.isfinite(r)
    return np.mean(
        [np.corrcoef(x[m], y[m])[0, 1] for x, y, m in zip(a.T, r.T, both.T, strict=True)]
    )


def test_vif_against_refits_on_all_pairs(est, exact):
    """The paper has 0.407, with 0.419 as the agreement of two trainings."""
    ridge, reference = est.loss.ridge, exact.on(PairLoss())
    vif = vs.vif(est).on(PairLoss())
    assert vif.influence.shape == (N, 1156)
    assert mean_pearson(vif, reference) > {1.0: 0.84, 3.0: 0.86}[ridge]
    assert mean_pearson(vif, reference, without=(0, 25, 33)) > 0.95
    truncated = vs.truncated_refits(est, max_steps=2, radius=2.0).on(PairLoss())
    assert mean_pearson(truncated, reference) > {1.0: 0.97, 3.0: 0.99}[ridge]


def test_the_hubs_matter_most(exact):
    shown = exact.on(PairLoss([(12, 10), (15, 13)])).influence
    assert np.nanargmax(np.abs(shown), axis=0).tolist() == [0, 33]


def test_a_newton_step_where_the_loss_without_the_node_is_indefinite(est, exact):
    """Node 0 is the only articulation point: without it three eigenvalues are negative."""
    plain, guarded = vs.newton_step(est), vs.newton_step(est, guard=True)
    for result in (plain, guarded):
        assert (result.status == "indefinite").tolist() == [True] + 33 * [False]
    assert np.isnan(plain.values[0]).all()
    np.testing.assert_array_equal(plain.values[1:], guarded.values[1:])
    kept = np.setdiff1d(np.arange(136), est.loss.owned(0))
    assert np.isfinite(guarded.values[0, kept]).all()
    step, b = -guarded.values[0, kept], est.removals().presence(0)
    assert step @ est.loss.gradient(est.theta, b)[kept] < 0  # downhill


# Targets


def test_pair_losses_are_those_of_the_softmax(est):
    target = PairLoss().bind(est)
    value = target.value(est.theta, np.ones(N), est.loss).reshape(N, N)
    assert np.exp(-value).sum(axis=1) == pytest.approx(np.ones(N), rel=REFERENCE)
    b = est.removals().presence(4)
    without = target.value(est.theta, b, est.loss).reshape(N, N)
    kept = np.delete(np.arange(N), 4)
    assert np.exp(-without[np.ix_(kept, kept)]).sum(axis=1) == pytest.approx(1, rel=REFERENCE)
    assert np.isnan(without[4]).all() and np.isnan(without[:, 4]).all()
    assert target.names[:2] == ("0-0", "0-1")


def test_linear_pair_losses_have_the_slope_of_plugged_in_ones(est):
    """The same where dfbeta is small; what the absent node owns is nan and is not read."""
    vif = vs.vif(est)
    small = replace(vif, values=1e-6 * vif.values)
    nothing = replace(vif, values=0 * vif.values)
    target = PairLoss([(12, 10), (15, 13)])
    plugged, linear = (small.on(target, linear=which).influence for which in (False, True))
    np.testing.assert_array_equal(np.isnan(plugged), np.isnan(linear))
    direct = nothing.on(target).influence
    moved = np.nan_to_num(linear - direct)
    assert np.abs(moved).max() > 1e-7
    assert relative_error(np.nan_to_num(plugged - direct), moved) < 1e-5


def test_pairs_must_be_nodes(est):
    with pytest.raises(InvalidInputError, match=r"\(3, 40\) is not"):
        vs.vif(est).on(PairLoss([(0, 1), (3, 40)]))
    with pytest.raises(InvalidTypeError, match="PairLoss is a target of NodeEmbedding"):
        vs.vif(BY_NAME["mean"].estimate()).on(PairLoss())

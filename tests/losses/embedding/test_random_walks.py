"""Pairs seen on random walks: the expectation by its definition, and walks that are drawn."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from tolerances import REFERENCE, relative_error

from vifstats.losses.embedding.random_walks import Subgraph, WalkPlan, pair_counts, sampled_walks

N = 34
ADJACENCY = nx.to_numpy_array(nx.karate_club_graph(), weight=None) > 0


def karate(without: tuple[int, ...] = ()) -> Subgraph:
    """The club without some members."""
    nodes = ~np.isin(np.arange(N), without)
    return Subgraph(ADJACENCY, nodes, ADJACENCY & np.outer(nodes, nodes))


@pytest.mark.parametrize("without", [(), (0,), (3, 5)])
def test_expected_pairs_by_their_definition(without):
    """Position by position: (s'A^j)_u (A^(k-j))_uv, for j > k the other way about."""
    graph, t, w = karate(without), 6, 3
    A = np.where(graph.edges, 1.0, 0.0)
    alone = graph.nodes & ~graph.edges.any(axis=1)
    A[alone, alone] = 1.0
    A[graph.nodes] /= A[graph.nodes].sum(axis=1, keepdims=True)
    s, expected = graph.nodes.astype(float), np.zeros((N, N))
    power = [np.linalg.matrix_power(A, k) for k in range(t)]
    for j in range(t):
        for k in range(max(0, j - w), min(j + w, t)):
            first, gap = min(j, k), power[abs(j - k)]
            pairs = (s @ power[first])[:, None] * gap * graph.nodes
            expected += pairs if k >= j else pairs.T
    assert relative_error(pair_counts(graph, WalkPlan(t, w)), expected) < REFERENCE


def test_pairs_of_the_published_setting():
    counts = pair_counts(karate(), WalkPlan(6, 3))
    assert counts.sum() == pytest.approx(27 * N, rel=REFERENCE)
    assert np.trace(counts) / counts.sum() == pytest.approx(0.29, abs=0.005)
    assert not np.allclose(counts, counts.T)


@pytest.mark.parametrize(("length", "window"), [(1, 3), (2, 5), (5, 1), (4, 9)])
def test_windows_longer_than_walks(length, window):
    positions = sum(min(j + window, length) - max(0, j - window) for j in range(length))
    counts = pair_counts(karate(), WalkPlan(length, window))
    assert counts.sum() == pytest.approx(positions * N, rel=REFERENCE)


@pytest.mark.parametrize("without", [(), (0,)])
def test_expected_pairs_are_the_mean_of_simulated_walks(without):
    """Walks step by step with Python's own choice; without node 0, node 11 has no neighbour."""
    graph, rng, samples = karate(without), np.random.default_rng(0), 300
    neighbours = [np.flatnonzero(row) for row in graph.edges]
    seen = np.zeros((samples, N, N))
    for sample in seen:
        for node in np.flatnonzero(graph.nodes):
            walk = [node]
            for _ in range(5):
                around = neighbours[walk[-1]]
                walk.append(rng.choice(around) if len(around) else walk[-1])
            for j in range(6):
                for k in range(max(0, j - 3), min(j + 3, 6)):
                    sample[walk[j], walk[k]] += 1
    error = seen.std(axis=0) / np.sqrt(samples) + 1 / samples
    expected = pair_counts(graph, WalkPlan(6, 3))
    assert (np.abs(seen.mean(axis=0) - expected) < 5 * error).all()
    if without:
        assert expected[11, 11] == pytest.approx(27, rel=REFERENCE)


def test_sampled_pairs_come_near_the_expected_ones():
    for without in ((), (0,)):
        counts = pair_counts(karate(without), WalkPlan(6, 3, samples=4000))
        expected = pair_counts(karate(without), WalkPlan(6, 3))
        # pairs of one walk are seen up to 6 times: the variance is below 36 times the count
        assert (np.abs(counts - expected) < 5 * np.sqrt(36 * (expected + 0.01) / 4000)).all()


def test_common_random_numbers_change_only_walks_that_meet_the_absent():
    plan = WalkPlan(6, 3, samples=200)
    full, reduced = sampled_walks(karate(), plan), sampled_walks(karate((0,)), plan)
    kept = full[full[:, 0] != 0]
    untouched = (kept != 0).all(axis=1)
    assert 0.1 < untouched.mean() < 0.9
    np.testing.assert_array_equal(reduced[untouched], kept[untouched])
    assert (reduced != 0).all()


def test_independent_walks_are_other_walks_but_always_the_same():
    plan = WalkPlan(6, 3, samples=200, common=False)
    full, reduced = sampled_walks(karate(), plan), sampled_walks(karate((0,)), plan)
    kept = full[full[:, 0] != 0]
    same = (reduced == kept)[(kept != 0).all(axis=1)].all(axis=1)
    assert same.mean() < 0.05
    np.testing.assert_array_equal(full, sampled_walks(karate(), plan))
    other = sampled_walks(karate(), WalkPlan(6, 3, samples=200, common=False, seed=1))
    assert (full != other).any()


def test_large_graphs_are_counted_too():
    ring = nx.to_numpy_array(nx.cycle_graph(400)) > 0
    counts = pair_counts(Subgraph(ring, np.ones(400, dtype=bool), ring), WalkPlan(6, 3))
    # by symmetry every node is alike
    assert relative_error(counts[0], np.roll(counts[7], -7)) < REFERENCE
    assert counts.sum() == pytest.approx(27 * 400, rel=REFERENCE)


def test_nobody_takes_no_walk():
    for plan in (WalkPlan(6, 3), WalkPlan(6, 3, samples=5)):
        assert not pair_counts(karate(tuple(range(N))), plan).any()


def test_counts_that_are_kept_cannot_be_changed():
    counts = pair_counts(karate(), WalkPlan(6, 3))
    with pytest.raises(ValueError, match="read-only"):
        counts[0, 0] = 1.0

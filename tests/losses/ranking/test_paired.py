"""Plackett-Luce and Bradley-Terry: the definitions, their common case, ownership."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import CONVERGED_FIT, REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import BradleyTerry, ListMLE, Loss, PlackettLuce

ITEMS = ["ash", "birch", "cedar", "elm", "fir"]
JUDGES = 12


def rankings(seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [list(rng.permutation(ITEMS)[: rng.integers(1, 6)]) for _ in range(JUDGES)]


def matches(seed: int = 1, n: int = 25) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    pairs = [rng.permutation(ITEMS)[:2] for _ in range(n)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def strengths(seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(ITEMS))


LOSSES = {
    **{
        f"Plackett-Luce, {objects}, unranked {unranked}": (
            lambda objects=objects, unranked=unranked: PlackettLuce(
                rankings(), items=ITEMS, ridge=0.5, objects=objects, unranked=unranked
            )
        )
        for objects in ("items", "judges")
        for unranked in ("absent", "last")
    },
    **{
        f"Bradley-Terry, {objects}": (
            lambda objects=objects: BradleyTerry(
                *matches(), items=ITEMS, ridge=0.5, objects=objects
            )
        )
        for objects in ("items", "matches")
    },
}
EVERY_LOSS = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)


def plackett_luce(theta, ranking, present, unranked):
    """Minus log probability, choice by choice."""
    theta, here = dict(zip(ITEMS, theta, strict=True)), dict(zip(ITEMS, present, strict=True))
    among = ITEMS if unranked == "last" else ranking
    pool, total = [item for item in among if here[item]], 0.0
    for item in ranking:
        if here[item]:
            total += np.log(sum(np.exp(theta[other]) for other in pool)) - theta[item]
            pool.remove(item)
    return total


@pytest.mark.parametrize("unranked", ["absent", "last"])
@pytest.mark.parametrize("objects", ["items", "judges"])
def test_plackett_luce_is_the_definition(unranked, objects):
    loss = PlackettLuce(rankings(), items=ITEMS, ridge=0.5, objects=objects, unranked=unranked)
    theta = strengths()
    for b in [loss.everyone(), (np.arange(loss.n_objects) % 3 > 0).astype(float)]:
        items = b if objects == "items" else np.ones(len(ITEMS))
        judges = np.ones(JUDGES) if objects == "items" else b
        expected = 0.25 * items @ theta**2 + sum(
            here * plackett_luce(theta, ranking, items, unranked)
            for here, ranking in zip(judges, rankings(), strict=True)
        )
        assert float(loss.value(theta, b)) == pytest.approx(expected, rel=REFERENCE)


def test_bradley_terry_is_the_definition():
    theta = strengths()
    score = dict(zip(ITEMS, theta, strict=True))
    expected = 0.25 * theta @ theta + sum(
        np.log1p(np.exp(score[b] - score[a])) for a, b in zip(*matches(), strict=True)
    )
    for objects in ("items", "matches"):
        loss = BradleyTerry(*matches(), items=ITEMS, ridge=0.5, objects=objects)
        value = loss.value(theta, loss.everyone())
        assert float(value) == pytest.approx(expected, rel=REFERENCE)


def test_a_match_is_a_ranking_of_two():
    """Two losses that share no line: values, gradients and refits without an item."""
    bradley_terry = BradleyTerry(*matches(), items=ITEMS, ridge=0.5)
    pairs = [list(pair) for pair in zip(*matches(), strict=True)]
    plackett_luce = PlackettLuce(pairs, items=ITEMS, ridge=0.5)
    theta, start = strengths(), np.zeros(len(ITEMS))
    for b in [np.ones(5), np.array([1.0, 0.0, 1.0, 1.0, 0.0])]:
        assert float(bradley_terry.value(theta, b)) == pytest.approx(
            float(plackett_luce.value(theta, b)), rel=REFERENCE
        )
        assert (
            relative_error(bradley_terry.hessian(theta, b), plackett_luce.hessian(theta, b))
            < ROUNDING
        )
    exact = [vs.leave_one_out(vs.minimize(f, start)) for f in (bradley_terry, plackett_luce)]
    assert exact[0].values == pytest.approx(exact[1].values, abs=CONVERGED_FIT, nan_ok=True)


def test_plackett_luce_is_list_mle_without_features():
    luce = PlackettLuce(rankings(), items=ITEMS, ridge=0.5, unranked="last")
    listwise = ListMLE(np.zeros((JUDGES, 1)), rankings(), items=ITEMS, ridge=0.5)
    theta = np.zeros((len(ITEMS), 2))
    theta[:, 1] = strengths()
    b = np.ones(len(ITEMS))
    assert float(luce.value(strengths(), b)) == pytest.approx(
        float(listwise.value(theta.ravel(), b)), rel=REFERENCE
    )


@EVERY_LOSS
def test_fast_paths_equal_their_defaults(make):
    loss = make()
    rng = np.random.default_rng(3)
    for theta in (strengths(), 40 * strengths()):
        unit = max(np.abs(Loss.gradient(loss, theta)).max(), 1e-3)
        for b in [None, np.zeros(loss.n_objects), rng.random(loss.n_objects)]:
            for method in ("gradient", "hessian"):
                found = getattr(loss, method)(theta, b)
                expected = getattr(Loss, method)(loss, theta, b)
                assert relative_error(found.ravel(), expected.ravel(), unit) < ROUNDING
        for method in ("gradient_differences", "weight_gradients"):
            found = getattr(loss, method)(theta)
            assert relative_error(found, getattr(Loss, method)(loss, theta), unit) < ROUNDING


@EVERY_LOSS
def test_the_contract_is_kept(make):
    loss = make()
    assert "keeps its contract" in repr(vs.check_loss(loss, strengths()))


@EVERY_LOSS
def test_strengths_have_mean_zero(make):
    """The ridge pins the shift that the likelihood does not see."""
    assert vs.minimize(make(), np.zeros(len(ITEMS))).theta.sum() == pytest.approx(0.0, abs=1e-9)


def test_an_item_takes_its_matches_with_it():
    winners, losers = matches()
    est = vs.minimize(BradleyTerry(winners, losers, items=ITEMS, ridge=0.5), np.zeros(5))
    exact = vs.leave_one_out(est)
    kept = [(a, b) for a, b in zip(winners, losers, strict=True) if "elm" not in (a, b)]
    others = [item for item in ITEMS if item != "elm"]
    alone = vs.minimize(
        BradleyTerry(*zip(*kept, strict=True), items=others, ridge=0.5), np.zeros(4)
    )
    found = exact.params_without.loc["elm", others]
    assert np.abs(found.to_numpy() - alone.theta).max() < CONVERGED_FIT
    assert np.isnan(exact.params_without.loc["elm", "elm"])
    assert exact.status["elm"] == "owned"


def test_matches_of_a_judge_leave_together():
    winners, losers = matches()
    judge = np.arange(25) // 5
    loss = BradleyTerry(winners, losers, items=ITEMS, ridge=0.5, objects="matches")
    est = vs.minimize(loss, np.zeros(5))
    row = vs.leave_one_out(est, groups=judge).values[1]
    rest = BradleyTerry(
        *(np.array(side)[judge != 1] for side in (winners, losers)), items=ITEMS, ridge=0.5
    )
    assert np.abs(est.theta - row - vs.minimize(rest, np.zeros(5)).theta).max() < CONVERGED_FIT


def test_bad_matches_are_refused():
    with pytest.raises(InvalidInputError, match="in match 1 'b' plays itself"):
        BradleyTerry(["a", "b"], ["b", "b"], ridge=1.0)
    with pytest.raises(InvalidInputError, match="inconsistent numbers"):
        BradleyTerry(["a", "b"], ["b"], ridge=1.0)
    with pytest.raises(InvalidInputError, match="`unranked` must be one of"):
        PlackettLuce([["a", "b"]], ridge=1.0, unranked="first")

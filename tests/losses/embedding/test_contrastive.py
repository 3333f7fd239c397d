"""Contrastive losses: their definitions, who leaves where, encoders and held-out examples."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME
from tolerances import REFERENCE, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, NotPositiveDefiniteError
from vifstats.losses import InfoNCE, Triplet
from vifstats.targets import ExampleLoss

RNG = np.random.default_rng(0)
N = 24
X = RNG.normal(size=(N, 3))
PARTNERS = X + 0.7 * RNG.normal(size=(N, 3))
Y = np.where(X[:, 0] + 0.5 * RNG.normal(size=N) > 0, "a", "b")
SOME = np.arange(N) % 3 > 0


def dot(u, v):
    return float(u @ v)


def cosine(u, v):
    return float(u @ v / np.sqrt((u @ u) * (v @ v)))


@pytest.mark.parametrize("normalize", [False, True])
def test_infonce_by_its_definition(normalize):
    ridge = 0.0 if normalize else 0.4
    loss = InfoNCE(X, PARTNERS, temperature=0.5, normalize=normalize, ridge=ridge)
    W, like = loss.start(1).reshape(3, 2), cosine if normalize else dot
    kept, expected = np.flatnonzero(SOME), 0.5 * ridge * np.sum(loss.start(1) ** 2)
    for i in kept:
        scores = {j: like(X[i] @ W, PARTNERS[j] @ W) / 0.5 for j in kept}
        expected += np.log(sum(map(np.exp, scores.values()))) - scores[i]
    assert loss.value(W.ravel(), SOME.astype(float)) == pytest.approx(expected, rel=REFERENCE)


def test_simclr_by_its_definition():
    loss = InfoNCE(X, PARTNERS, negatives="both", temperature=2.0, ridge=0.0)
    W, kept = loss.start(1).reshape(3, 2), np.flatnonzero(SOME)
    views = [(X[i] @ W, i, "one") for i in kept] + [(PARTNERS[i] @ W, i, "other") for i in kept]
    expected = 0.0
    for z, i, side in views:
        others = [(v, j) for v, j, s in views if (j, s) != (i, side)]
        own = next(dot(z, v) / 2 for v, j in others if j == i)
        expected += np.log(sum(np.exp(dot(z, v) / 2) for v, _ in others)) - own
    assert loss.value(W.ravel(), SOME.astype(float)) == pytest.approx(expected, rel=REFERENCE)


def test_triplets_by_their_definition():
    loss = Triplet(X, Y, margin=0.3, ridge=0.2)
    Z, kept = X @ loss.start(1).reshape(3, 2), np.flatnonzero(SOME)
    expected = 0.1 * np.sum(loss.start(1) ** 2)
    for a in kept:
        for p in kept:
            for n in kept:
                if p != a and Y[a] == Y[p] != Y[n]:
                    near, far = np.sum((Z[a] - Z[p]) ** 2), np.sum((Z[a] - Z[n]) ** 2)
                    expected += np.logaddexp(0.0, 0.3 + near - far)
    assert loss.value(loss.start(1), SOME.astype(float)) == pytest.approx(expected, rel=REFERENCE)


def test_far_scores_do_not_overflow():
    """An absent example far away must not decide how the others are scaled."""
    far = np.vstack([X, [[1e3, 0.0, 0.0]]])
    loss = InfoNCE(far, np.vstack([PARTNERS, [[1e3, 0.0, 0.0]]]), ridge=0.0)
    b = np.append(np.ones(N), 0.0)
    expected = InfoNCE(X, PARTNERS, ridge=0.0).value(loss.start(), np.ones(N))
    assert loss.value(loss.start(), b) == pytest.approx(expected, rel=REFERENCE)
    assert np.isfinite(loss.gradient(loss.start(), b)).all()


def perceptron(theta, x):
    """One hidden layer of three, two outputs."""
    hidden = anp.tanh(anp.dot(x, anp.reshape(theta[:9], (3, 3))))
    return anp.dot(hidden, anp.reshape(theta[9:], (3, 2)))


def turns(theta):
    """The last layer of the perceptron turned."""
    turned = theta[9:].reshape(3, 2) @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    return np.concatenate([np.zeros(9), turned.ravel()])[None]


def test_an_encoder_of_your_own():
    def make(rows):
        return InfoNCE(X[rows], PARTNERS[rows], encoder=perceptron, n_params=15, gauge=turns)

    loss = make(np.arange(N))
    report = vs.check_loss(loss, loss.start(), rebuild=make, max_objects=4)
    assert report.findings["gauge"] == "no slope along 1 gauge directions"
    est = vs.minimize(loss, loss.start(2))
    target = ExampleLoss(X[:5] + 0.1, PARTNERS[:5])
    vif, exact = (m(est).on(target) for m in (vs.vif, vs.leave_one_out))
    both = np.isfinite(exact.influence)
    assert both.mean() > 0.9
    assert np.corrcoef(vif.influence[both], exact.influence[both])[0, 1] > 0.7


def test_an_encoder_whose_turns_are_not_declared():
    loss = InfoNCE(X, PARTNERS, encoder=perceptron, n_params=15)
    with pytest.raises(NotPositiveDefiniteError, match="say so in its `gauge`"):
        vs.minimize(loss, loss.start(2))


def test_cosines_know_no_size():
    loss = InfoNCE(X, PARTNERS, normalize=True, ridge=0.0, dim=3)
    gauge, H = loss.gauge(loss.start()), loss.hessian
    assert gauge.shape == (3 + 1, 9)
    est = vs.minimize(loss, loss.start())
    assert relative_error(H(est.theta) @ gauge_at(est).T, np.zeros((9, 4)), 1.0) < ROUNDING
    with pytest.raises(InvalidInputError, match="`ridge` must be 0 with normalize=True"):
        InfoNCE(X, PARTNERS, normalize=True)


def gauge_at(est):
    return est.loss.gauge(est.theta)


# Held-out examples


@pytest.mark.parametrize(
    ("name", "pearson"),
    [("contrastive in a plane", 0.9), ("triplet in a plane", 0.97)],
)
def test_vif_against_refits_on_held_out_examples(name, pearson):
    """Parameters turn; what a held-out example costs does not."""
    est = BY_NAME[name].estimate()
    new = np.random.default_rng(1).normal(size=(6, 2)) * [2.0, 1.0]
    other = new + 0.5 if "contrastive" in name else ["left", "right"] * 3
    exact = vs.leave_one_out(est)
    assert exact.exact.mean() > 0.9
    vif, exact = (result.on(ExampleLoss(new, other)) for result in (vs.vif(est), exact))
    table = vs.compare(vif, exact).table
    assert table["pearson"].mean() > pearson, table


def test_the_direct_part_is_that_of_a_negative_less():
    loss = InfoNCE(X, PARTNERS, temperature=2.0)
    est = vs.Estimate(loss, loss.start(), tol=np.inf)
    b = est.removals().presence(4)
    target = ExampleLoss(X[:1] + 0.2, PARTNERS[:1]).bind(est)
    W = loss.start().reshape(3, 2)
    z, partner = (X[0] + 0.2) @ W, PARTNERS[0] @ W
    scores = [z @ partner / 2, *(PARTNERS @ W @ z / 2)]
    value = target.value(est.theta, np.ones(N), loss)
    assert value[0] == pytest.approx(np.log(np.sum(np.exp(scores))) - scores[0], rel=REFERENCE)
    del scores[1 + 4]
    without = target.value(est.theta, b, loss)
    assert without[0] == pytest.approx(np.log(np.sum(np.exp(scores))) - scores[0], rel=REFERENCE)


def test_held_out_triplets_lose_positives_and_negatives():
    loss = Triplet(X, Y, ridge=0.0)
    theta, b = loss.start(), SOME.astype(float)
    value = loss.example_losses(theta, b, X[:1] + 0.1, ["a"])[0]
    Z, z = X @ theta.reshape(3, 2), (X[0] + 0.1) @ theta.reshape(3, 2)
    d = np.sum((Z - z) ** 2, axis=1)
    near, far = d[SOME & (Y == "a")], d[SOME & (Y == "b")]
    expected = np.logaddexp(0.0, 1 + near[:, None] - far).sum()
    assert value == pytest.approx(expected, rel=REFERENCE)


# Input


def test_labels_are_kept():
    frame = pd.DataFrame(X, index=[f"image {i}" for i in range(N)], columns=list("abc"))
    loss = Triplet(frame, pd.Series(Y, index=frame.index))
    assert loss.labels[3] == "image 3" and loss.names[:2] == ("a[0]", "a[1]")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: InfoNCE(X, PARTNERS[:5]), r"rows and columns of X, \(24, 3\)"),
        (lambda: InfoNCE(X, pd.DataFrame(PARTNERS).iloc[::-1]), "its labels"),
        (lambda: InfoNCE(X, PARTNERS, temperature=0.0), "`temperature` must be positive"),
        (lambda: InfoNCE(X, PARTNERS, negatives="all"), "`negatives` must be one of"),
        (lambda: InfoNCE(X, PARTNERS, encoder=perceptron), "`n_params` must be given with"),
        (lambda: InfoNCE(X, PARTNERS, n_params=6), "`n_params` must be given with"),
        (lambda: InfoNCE(X, PARTNERS, ridge=-1.0), "`ridge` must be >= 0"),
        (lambda: InfoNCE(np.where(X > 1, np.nan, X), PARTNERS), "`X` must be finite"),
        (lambda: Triplet(X, Y[:5]), "inconsistent numbers"),
        (lambda: Triplet(X, N * ["a"]), r"one of another, but has the counts {'a': 24}"),
        (lambda: Triplet(X[:2], ["a", "b"]), "two examples of one class"),
        (lambda: Triplet(X, Y, margin=-1.0), "`margin` must be >= 0"),
    ],
)
def test_wrong_input(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_held_out_examples_must_fit_the_loss():
    est = BY_NAME["triplet"].estimate()
    with pytest.raises(InvalidInputError, match="must have the 2 columns of the loss"):
        vs.vif(est).on(ExampleLoss(X[:2], ["left", "right"]))
    with pytest.raises(InvalidInputError, match="one entry of `other` each"):
        vs.vif(est).on(ExampleLoss(X[:2, :2], ["left"]))
    with pytest.raises(InvalidTypeError, match="ExampleLoss is a target of Contrastive"):
        vs.vif(BY_NAME["mean"].estimate()).on(ExampleLoss(X, X))

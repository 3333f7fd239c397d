"""Mixed models: the dense definition, lme4's fits and refits, and variances at 0."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_fits import FITS, MixedFit, on_both
from tolerances import CONVERGED_FIT, LME4_COMPONENT, LME4_FIXED, ROUNDING, relative_error

import vifstats as vs
from vifstats import targets
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import MixedModel
from vifstats.losses.base import Loss
from vifstats.removals import Removals


def random_problem(rng: np.random.Generator) -> tuple[MixedModel, np.ndarray]:
    """Uneven groups, some of one row; slopes and components, or not; theta anywhere."""
    sizes = np.append(rng.integers(1, 6, rng.integers(1, 6)), 3)
    groups = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(groups)
    X = np.column_stack([np.ones(n), rng.normal(size=n) * 10.0 ** rng.integers(-2, 3)])
    y = rng.normal(size=n) * 10.0 ** rng.integers(-2, 3) + 5
    Z = [None, X, X[:, :1]][rng.integers(3)]
    components = [None, {"class": rng.integers(0, 3, n), "slope": X[:, 1:]}][rng.integers(2)]
    loss = MixedModel(X, y, groups, Z, components=components, reml=bool(rng.integers(2)))
    # effects of about the size of the residuals: V is as well conditioned as it mostly is
    size = np.sqrt(np.einsum("jqr,q->j", loss.random.basis, np.mean(loss.random.Z**2, axis=0)))
    away = rng.normal(size=loss.n_params)
    away[: loss.n_fixed] = 0.0
    away[loss.n_fixed + 1 :] /= size
    return loss, loss.start() + away


def dense_value(loss: MixedModel, theta: np.ndarray, here: np.ndarray) -> float:
    """-log likelihood with V written out, of the rows that are there."""
    p = loss.n_fixed
    factor = sum(psi * E for psi, E in zip(theta[p + 1 :], loss.random.basis, strict=True))
    same = loss.group_of_row[:, None] == loss.group_of_row
    Z = loss.random.Z
    V = np.exp(2 * theta[p]) * (np.eye(len(Z)) + same * (Z @ factor @ factor.T @ Z.T))
    V, X, y = V[np.ix_(here, here)], loss.X[here], loss.y[here]
    left = y - X @ theta[:p]
    twice = np.linalg.slogdet(V)[1] + left @ np.linalg.solve(V, left)
    if loss.reml:
        twice += np.linalg.slogdet(X.T @ np.linalg.solve(V, X))[1]
    return 0.5 * twice


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_the_value_is_that_of_dense_matrices(seed):
    rng = np.random.default_rng(seed)
    loss, theta = random_problem(rng)
    here = np.ones(loss.n_objects, dtype=bool)
    here[rng.permutation(loss.n_objects)[: loss.n_objects // 4]] = False
    if np.linalg.matrix_rank(loss.X[here]) < loss.n_fixed:
        here[:] = True
    expected = dense_value(loss, theta, here)
    removals = Removals(np.where(here, -1, 0), pd.Index(["set"]))
    assert loss.value(theta, here.astype(float)) == pytest.approx(
        expected, rel=ROUNDING, abs=ROUNDING
    )
    fast = loss.reduced_slopes(theta[None], removals)[0]
    assert fast[0] == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING)


@settings(max_examples=5)  # the automatic derivatives take seconds each
@given(st.integers(0, 2**32 - 1))
def test_derivatives_are_the_automatic_ones(seed):
    rng = np.random.default_rng(seed)
    loss, theta = random_problem(rng)
    scattered = Removals.of_groups(rng.integers(0, 4, loss.n_objects)).take(np.array([1, 0]))
    for removals in (scattered, loss.each().take(np.arange(3))):
        thetas = theta + 0.1 * rng.normal(size=(len(removals), len(theta)))
        calls = {
            "gradient_differences": (theta, removals),
            "reduced_hessians": (theta, removals),
            "reduced_curvatures": (thetas, removals),
        }
        for name, args in calls.items():
            both = getattr(loss, name)(*args), getattr(Loss, name)(loss, *args)
            agree(*both)
        for both in zip(
            loss.reduced_slopes(thetas, removals),
            Loss.reduced_slopes(loss, thetas, removals),
            strict=True,
        ):
            agree(*both)


def agree(fast: np.ndarray, slow: np.ndarray) -> None:
    """As far as there are numbers: too few rows for beta are nan, or as singular as rounding."""
    known = np.isfinite(fast)
    floor = np.abs(slow[known]).max(initial=0.0) + 1
    assert relative_error(fast[known], slow[known], floor) < ROUNDING


def test_a_component_by_labels_is_one_by_its_design():
    rng = np.random.default_rng(3)
    n, groups, classes = 24, np.repeat([0, 1, 2], 8), np.tile([5, 9], 12)
    X, y = np.ones((n, 1)), rng.normal(size=n)
    labels = MixedModel(X, y, groups, components={"class": classes})
    design = MixedModel(X, y, groups, components={"class": np.eye(2)[np.tile([0, 1], 12)]})
    theta = np.array([0.1, -0.2, 0.7])
    assert labels.value(theta, np.ones(n)) == pytest.approx(design.value(theta, np.ones(n)))


@pytest.mark.parametrize("fit", FITS, ids=str)
def test_fits_and_refits_are_those_of_lme4(fit):
    est, full = fit.estimate(), fit.lme4("all")[0]
    p = est.loss.n_fixed
    for kind, groups in (("row", None), ("group", fit.groups)):
        fixed, components = on_both(vs.leave_one_out(est, groups=groups))
        assert relative_error(np.r_[fixed.value, components.value], full) <= LME4_FIXED
        theirs = fit.lme4(kind)
        assert np.abs(fixed.value_without - theirs[:, :p]).max() <= LME4_FIXED
        apart = np.abs(components.value_without - theirs[:, p:]) / np.abs(full[p:])
        assert apart.max() <= LME4_COMPONENT


@pytest.mark.parametrize("fit", FITS[:4], ids=str)
def test_agreement_is_as_promised(fit):
    est = fit.estimate()
    for groups in (None, fit.groups):
        exact = on_both(vs.leave_one_out(est, groups=groups))
        fixed, _ = on_both(vs.vif(est, groups=groups))
        assert together(fixed, exact[0]) >= 0.9999
    _, components = on_both(vs.truncated_refits(est, groups=fit.groups))
    assert together(components, exact[1]) >= 0.9998


def together(found, exact) -> float:
    """Correlation over all removals and values, each value in units of its own spread."""
    unit = exact.influence.std(axis=0)
    a, b = (each.influence / unit for each in (found, exact))
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def test_a_variance_that_is_0_without_a_row_is_said_to_be():
    est = MixedFit("orthodont", True).estimate()
    refits = vs.leave_one_out(est)
    said = refits.status == "variance at 0 without it"
    theirs = MixedFit("orthodont", True).lme4("row")[:, 5:]
    singular = theirs[:, 0] * theirs[:, 2] - theirs[:, 1] ** 2 < 1e-6 * theirs[:, 0]
    assert said.sum() == 2 and np.array_equal(said, singular)
    assert (refits.status[~said] == "ok").all()


def test_a_step_beyond_0_is_said_to_be_one():
    loss = MixedFit("sleepstudy", True).loss()
    full = MixedFit("sleepstudy", True).estimate().theta
    inside, beyond, at = full.copy(), full.copy(), full.copy()
    inside[4], beyond[5], at[3] = -0.5, -0.01, 0.0  # a covariance, and two standard deviations
    assert loss.at_boundary(np.stack([inside, beyond, at]), full).tolist() == [False, True, True]
    # where it is 0 with everybody nothing is said of a row
    assert not loss.at_boundary(at[None], at).any()


def test_nothing_is_concluded_of_variances():
    est = MixedFit("orthodont", True).estimate()
    assert set(vs.conclusions(est).table["parameter"]) <= set(est.names[:4])
    tested = est.summary()["p_value"].notna()
    assert tested.tolist() == [True] * 4 + [False] * 4
    left = vs.leave_out(est, [0, 1]).table["p_value"].unstack()
    assert left.loc["log(sigma)"].isna().all() and left.loc["age"].notna().all()


def constant_groups() -> MixedModel:
    """Rows whose groups differ by less than their rows do, but for the last group."""
    y = np.tile([1.0, 5.0], 8) + 0.01 * np.arange(16)
    y[-2:] += 3.5
    return MixedModel(np.ones((16, 1)), y, np.repeat(np.arange(8), 2))


def test_refits_leave_a_variance_of_0():
    """The slope at 0 is 0 whatever the curvature, and some refits have a variance."""
    loss = constant_groups()
    est = vs.minimize(loss, [3.0, 0.0, 0.0])
    assert est.theta[2] == 0
    refits = vs.leave_one_out(est)
    assert (refits.status != "did not converge").all()
    for row in (0, 15):
        kept = np.arange(16) != row
        alone = MixedModel(loss.X[kept], loss.y[kept], loss.group_of_row[kept])
        found = vs.minimize(alone, alone.start())
        shift = (refits.params_without.to_numpy()[row] - found.theta) / found.standard_errors
        assert np.abs(shift[:2]).max() < CONVERGED_FIT


def test_a_factor_and_its_negative_are_one_model():
    fit = MixedFit("sleepstudy", True)
    loss, theta = fit.loss(), fit.estimate().theta
    mirrored = theta.copy()
    mirrored[[3, 4]] *= -1
    found = vs.minimize(loss, mirrored)
    assert np.allclose(found.theta, theta, atol=1e-6)


def test_without_the_only_rows_of_a_level_reml_is_not_defined():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(6), 4)
    X = np.column_stack([np.ones(24), groups == 5, rng.normal(size=24)]).astype(float)
    y = X @ [1.0, 2.0, 0.5] + rng.normal(size=6)[groups] + rng.normal(size=24)
    loss = MixedModel(X, y, groups)
    est = vs.minimize(loss, loss.start())
    refits = vs.leave_one_out(est, groups=groups)
    assert refits.status.to_dict() == {**dict.fromkeys(range(5), "ok"), 5: "undefined"}
    assert np.isnan(vs.vif(est, groups=groups).values[5]).all()


def test_units_of_the_outcome_change_nothing():
    fit = MixedFit("sleepstudy", False)
    loss, est = fit.loss(), fit.estimate()
    million = MixedModel(loss.X, 1e6 * loss.y, fit.groups, loss.random.Z, reml=False)
    other = vs.minimize(million, million.start())
    for method in (vs.vif, vs.leave_one_out, vs.truncated_refits):
        ours, theirs = (on_both(method(e, groups=fit.groups)) for e in (est, other))
        for a, b, unit in zip(ours, theirs, (1e6, np.array([1e6, *[1e12] * 3])), strict=True):
            assert relative_error(b.influence / unit, a.influence) < 1e-7


BAD = {
    "two groups or more": lambda X, y, g: MixedModel(X, y, np.zeros(8)),
    "several rows": lambda X, y, g: MixedModel(X, y, np.arange(8)),
    "collinear, but 'x1'": lambda X, y, g: MixedModel(np.column_stack([X, 2 * X]), y, g),
    "more rows than": lambda X, y, g: MixedModel(np.ones((8, 8)), y, g),
    "`Z` has 7": lambda X, y, g: MixedModel(X, y, g, np.ones((7, 1))),
    "a column that is not 0": lambda X, y, g: MixedModel(X, y, g, np.zeros((8, 1))),
    "a dict of names": lambda X, y, g: MixedModel(X, y, g, components=[g]),
    "`components": lambda X, y, g: MixedModel(X, y, g, components={"a": np.ones((7, 2))}),
    "`groups` must not be missing": lambda X, y, g: MixedModel(X, y, [None, *g[1:]]),
    "`y` must be finite": lambda X, y, g: MixedModel(X, np.append(y[1:], np.nan), g),
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_refused_with_the_rule(words):
    X, y, groups = np.ones((8, 1)), np.arange(8.0), np.repeat([0, 1], 4)
    with pytest.raises((InvalidInputError, InvalidTypeError), match=words):
        BAD[words](X, y, groups)


def test_other_losses_have_no_fixed_effects():
    est = vs.minimize(vs.MEstimator(lambda t, y: 0.5 * (y - t[0]) ** 2, np.arange(3.0)), [0.0])
    for target in (targets.FixedEffects(), targets.VarianceComponents()):
        with pytest.raises(InvalidTypeError, match="linear mixed models"):
            vs.vif(est).on(target)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_residuals_of_0_are_refused_and_small_ones_are_not(unit):
    """The likelihood grows for ever as sigma falls to 0, unless effects are as many as rows."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), 3)
    X = np.column_stack([np.ones(18), rng.normal(size=18)])
    by_fixed = X @ [0.1, 0.7]
    by_groups = by_fixed + rng.normal(size=6)[group]
    by_slopes = by_groups + rng.normal(size=6)[group] * X[:, 1]
    for y, Z in ((by_fixed, None), (by_groups, None), (by_slopes, X)):
        with pytest.raises(InvalidInputError, match="leave residuals within its groups"):
            MixedModel(X, unit * y, group, Z)
        MixedModel(X, unit * (y + 1e-11 * rng.normal(size=18)), group, Z)
    pairs = np.repeat(np.arange(9), 2)
    assert np.isfinite(MixedModel(X, unit * by_fixed, pairs, X).start()).all()

"""Firth's penalty against its automatic default, where it has no value, and what refuses it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cox_cases
from tolerances import R_REFIT, ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, UnsupportedModelError
from vifstats.losses import Cox, LinearPredictor, Loss
from vifstats.losses.cox import FirthCox
from vifstats.losses.reduced import reduced
from vifstats.losses.row_losses import Binomial, Logistic, Poisson, PoissonGLM, SquaredError, links
from vifstats.removals import Removals

PLAIN = {"ridge": ("none",), "weights": ("none", "integer"), "offset": ("none", "mild")}
# All with `exposed` are cases: the odds ratio is infinite without a penalty.
EXPOSED = np.r_[np.zeros(9), np.ones(3)]
AGE = np.array([2.0, 5, 1, 4, 3, 6, 2, 4, 5, 3, 1, 6])
CASE = np.r_[0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1.0]
DESIGN = pd.DataFrame({"one": 1.0, "exposed": EXPOSED, "age": AGE})


def separated_cox(**options):
    """Nobody in the treated arm has an event."""
    time = [5, 3, 8, 1, 9, 2, 7, 4, 6, 10.0]
    event = [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    X = pd.DataFrame(
        {"arm": np.r_[np.ones(5), np.zeros(5)], "age": [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3]}
    )
    return Cox(X, time, event, **options)


def as_loss(problem):
    names = ("entry", "weights", "strata", "offset", "ties")
    options = {name: getattr(problem, name) for name in names}
    return Cox(problem.X, problem.time, problem.event, **options)


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_every_override_is_the_automatic_default(data):
    problem, theta = data.draw(
        cox_cases(
            max_rows=8,
            max_params=2,
            theta=("near zero",),
            covariates=("normal", "binary"),
            **PLAIN,
        )
    )
    plain = as_loss(problem)
    loss = FirthCox.of(plain)
    if loss.undefined(theta, Removals.nobody(loss.n_objects))[0]:
        return  # no value anywhere
    removals = Removals.of_groups(np.arange(loss.n_objects) // 2)
    defined = np.flatnonzero(~loss.undefined(theta, removals))
    if not len(defined):
        return
    removals = removals.take(defined)
    for method in ("gradient_differences", "reduced_hessians", "weight_gradients"):
        found, expected = (
            getattr(c, method)(*a, theta, removals) for c, a in ((loss, ()), (Loss, (loss,)))
        )
        unit = 1 + np.abs(expected).max(initial=0.0)
        assert np.abs(found - expected).max(initial=0.0) < ROUNDING * unit
    assert relative_error(loss.hessian(theta), Loss.hessian(loss, theta), 1.0) < ROUNDING


@pytest.mark.parametrize(
    ("canonical", "same"),
    [(Binomial(links.Logit()), Logistic()), (PoissonGLM(links.Log()), Poisson())],
    ids=["logistic", "poisson"],
)
def test_families_with_the_canonical_link_are_the_same_model(canonical, same):
    theta = np.array([-0.2, 0.3, 0.1])
    a, b = (LinearPredictor(r, DESIGN, CASE, penalty="firth") for r in (canonical, same))
    assert a.value(theta, a.everyone()) == pytest.approx(b.value(theta, b.everyone()), rel=ROUNDING)
    assert relative_error(a.hessian(theta), b.hessian(theta)) < ROUNDING


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_separated_fit_is_finite_and_so_is_every_refit(ties):
    plain = separated_cox(ties=ties)
    assert plain.endless(np.zeros(2)) is not None
    est = vs.firth(vs.Estimate(plain, [-20.0, 0.0], tol=np.inf))
    assert est.params["arm"] < -1
    assert not est.separated
    refits = vs.leave_one_out(est)
    assert set(refits.status) <= {"ok", "no influence"}
    loss = separated_cox(ties=ties, penalty="firth")
    for i in (5, 8):
        left = np.arange(10) != i
        alone = vs.minimize(reduced(loss, left), est.theta)
        assert type(alone.loss) is type(est.loss)
        assert est.theta - refits.values[i] == pytest.approx(alone.theta, abs=1e-8)


def test_a_row_that_alone_identifies_a_coefficient_leaves_it_undefined():
    X = DESIGN.assign(alone=np.eye(12)[4])
    est = vs.minimize(LinearPredictor(Logistic(), X, CASE, penalty="firth"), np.zeros(4))
    for method in (vs.vif, vs.newton_step, vs.leave_one_out):
        found = method(est)
        assert (found.status == "undefined").to_numpy().tolist() == np.eye(12)[4].astype(
            bool
        ).tolist()
        assert np.isnan(found.values[4]).all()
        assert np.isfinite(np.delete(found.values, 4, axis=0)).all()
    report = vs.check_loss(est.loss, est.theta)
    assert "not defined" in report.findings["absent"]


@pytest.mark.parametrize("constant", [0.0, 0.3])
@pytest.mark.parametrize("strata", [None, [0, 1] * 5], ids=["", "strata"])
def test_so_does_the_only_row_of_a_category_of_a_cox_model(constant, strata):
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.normal(size=10), constant + np.eye(10)[4]])
    loss = Cox(X, np.arange(1.0, 11), np.ones(10), strata=strata, penalty="firth")
    est = vs.minimize(loss, np.zeros(2))
    for method in (vs.vif, vs.leave_one_out):
        assert np.flatnonzero(method(est).status == "undefined").tolist() == [4]
    assert loss.value(est.theta, 1 - np.eye(10)[4]) == np.inf


def test_whole_weights_are_repeated_rows():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(12, 2)), rng.integers(1, 4, 12)
    again = np.repeat(np.arange(12), w)
    pairs = [
        (Cox, (np.arange(12.0), rng.integers(0, 2, 12)), {"ties": "breslow"}),
        (LinearPredictor, (rng.integers(0, 2, 12),), {}),
    ]
    for kind, y, options in pairs:
        head = (Logistic(),) if kind is LinearPredictor else ()
        weighted = kind(*head, X, *y, weights=w, penalty="firth", **options)
        repeated = kind(*head, X[again], *(v[again] for v in y), penalty="firth", **options)
        theta = np.array([0.2, -0.4])
        assert relative_error(weighted.hessian(theta), repeated.hessian(theta)) < ROUNDING
        assert relative_error(weighted.gradient(theta), repeated.gradient(theta)) < ROUNDING
    errors = [vs.minimize(loss, np.zeros(2)).standard_errors for loss in (weighted, repeated)]
    assert relative_error(*errors) < ROUNDING


def test_errors_without_a_row_are_those_of_the_refit():
    loss = LinearPredictor(Logistic(), DESIGN, CASE, penalty="firth")
    est = vs.minimize(loss, np.zeros(3))
    errors = (
        vs.leave_one_out(est, objects=[3]).on(vs.targets.StandardError("exposed")).value_without
    )
    alone = vs.minimize(reduced(loss, np.arange(12) != 3), est.theta)
    assert abs(errors[0, 0] - alone.standard_errors[1]) < R_REFIT


def test_edits_are_refits_of_edited_data():
    est = vs.minimize(separated_cox(penalty="firth"), np.zeros(2))
    edits = vs.edit(est, event="flip", rows=[2])
    event = np.array([0, 0, 1, 0, 0, 1, 1, 1, 1, 0])
    edited = Cox(est.loss.data.X, est.loss.data.time, event, penalty="firth")
    expected = vs.minimize(edited, est.theta).theta
    assert vs.leave_one_out(edits).params_without.to_numpy()[0] == pytest.approx(expected, abs=1e-7)
    logit = vs.minimize(LinearPredictor(Logistic(), DESIGN, CASE, penalty="firth"), np.zeros(3))
    flipped = np.where(np.arange(12) == 1, 1 - CASE, CASE)
    expected = vs.minimize(
        LinearPredictor(Logistic(), DESIGN, flipped, penalty="firth"), logit.theta
    ).theta
    edits = vs.edit(logit, outcome=flipped, rows=[1])
    assert vs.leave_one_out(edits).params_without.to_numpy()[0] == pytest.approx(expected, abs=1e-7)


def test_cross_validated_likelihoods_are_of_the_rows_and_not_of_the_penalty():
    est = vs.minimize(separated_cox(penalty="firth"), np.zeros(2))
    found = vs.cross_validated_loglik(est, method="refit").contributions
    thetas = est.theta - vs.leave_one_out(est).values
    plain = separated_cox()
    for i in (0, 6):
        b = np.where(np.arange(10) == i, 0.0, 1.0)
        expected = plain.value(thetas[i], b) - plain.value(thetas[i], plain.everyone())
        assert found.iloc[i] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("penalty", "says"),
    [("frith", '"firth"'), (["firth", 1.0], "numeric"), (("firth",), "numeric")],
    ids=["misspelt", "with a ridge", "in a tuple"],
)
def test_bad_penalties(penalty, says):
    for make in (
        lambda: separated_cox(penalty=penalty),
        lambda: LinearPredictor(Logistic(), DESIGN, CASE, penalty=penalty),
        lambda: vs.losses.ConditionalLogistic(DESIGN, CASE, np.arange(12) // 12, penalty=penalty),
    ):
        with pytest.raises((InvalidInputError, InvalidTypeError), match=says):
            make()


def test_losses_without_such_an_information():
    for row_loss in (SquaredError(), Binomial(links.Probit())):
        with pytest.raises(InvalidInputError, match="does not read the outcome"):
            LinearPredictor(row_loss, DESIGN, CASE, penalty="firth")
    with pytest.raises(InvalidInputError, match="ties"):
        separated_cox(ties="exact", penalty="firth")
    with pytest.raises(InvalidInputError, match="firth"):
        vs.losses.ConditionalLogistic(DESIGN, CASE, np.arange(12) // 12, penalty="firth")
    with pytest.raises(UnsupportedModelError, match="ridge"):
        vs.firth(vs.minimize(separated_cox(penalty=1.0), np.zeros(2)))
    with pytest.raises(InvalidTypeError, match="MEstimator"):
        vs.firth(vs.minimize(vs.MEstimator(lambda t, y: (y - t[0]) ** 2, AGE), [0.0]))


def test_what_reads_the_partial_likelihood_alone_is_refused():
    est = vs.minimize(separated_cox(penalty="firth"), np.zeros(2))
    with pytest.raises(UnsupportedModelError, match="Firth"):
        vs.covariate_sensitivity(est)
    with pytest.raises(UnsupportedModelError, match="Firth"):
        vs.vif(est).on(vs.targets.ProportionalHazards())
    with pytest.raises(InvalidInputError, match="Firth"):
        vs.choose_penalty(est, [1.0])

"""check_loss passes every loss of the table and catches what people get wrong."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from cases import BY_NAME, CASES
from tolerances import ROUNDING

import vifstats as vs
from vifstats.errors import InvalidInputError, LossError
from vifstats.losses.testing import RULES

N = 30
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2))
Y = X @ [1.0, -1.0] + RNG.normal(size=N)
TIME = RNG.exponential(np.exp(-0.5 * X[:, 0]))
EVENT = (RNG.random(N) < 0.7).astype(float)
AT_RISK = (TIME[None, :] >= TIME[:, None]).astype(float)
THETA = np.array([0.3, -0.2])


def squares(theta):
    return 0.5 * (Y - anp.dot(X, theta)) ** 2


def partial_likelihood(theta, b, pool):
    """Breslow's, from the sum over each risk set."""
    return anp.sum(b * EVENT * (anp.log(pool) - anp.dot(X, theta)))


def check(f, **options):
    own = {name: options.pop(name) for name in ("grad", "hess", "owned") if name in options}
    return vs.check_loss(vs.FunctionLoss(f, N, 2, **own), THETA, **options)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("rebuilt", [False, True])
def test_every_loss_of_the_table_passes(case, rebuilt):
    """All rules, then once more the one that a loss built without the absent objects answers."""
    options = {"penalty": case.penalty, "skip": case.skip}
    if rebuilt:
        options = {"rebuild": case.loss, "skip": [rule for rule in RULES if rule != "absent data"]}
    report = vs.check_loss(case.loss(), case.place, tol=ROUNDING, max_objects=8, **options)
    assert "keeps its contract" in repr(report)
    # items have no row of their own in the data: only a loss rebuilt without one can tell
    of_items = getattr(case.loss(), "by_items", False)
    assert ("no array" in report.findings["absent data"]) == (of_items and not rebuilt)


def cox_without_presence_in_its_risk_sets(theta, b):
    return partial_likelihood(theta, b, anp.dot(AT_RISK, anp.exp(anp.dot(X, theta))))


def cox_with_zero_times_log_zero(theta, b):
    return partial_likelihood(theta, b, anp.dot(AT_RISK, b * anp.exp(anp.dot(X, theta))))


def safe_cox(theta, b):
    pool = anp.dot(AT_RISK, b * anp.exp(anp.dot(X, theta)))
    return partial_likelihood(theta, b, anp.where(pool > 0, pool, 1.0))


FAULTS = {
    "mean over the presence": (lambda t, b: anp.sum(b * squares(t)) / anp.sum(b), "a mean"),
    "mean over the count": (lambda t, b: anp.sum(b * squares(t)) / anp.sum(b > 0), "as a mean"),
    "mean over all rows": (lambda t, b: anp.mean(b * squares(t)), "a mean over objects"),
    "mean of the present rows": (lambda t, b: anp.mean(squares(t)[b > 0]), "a mean"),
    "mean over the present, guarded": (
        lambda t, b: anp.sum(b * squares(t)) / anp.maximum(anp.sum(b), 1.0),
        "a mean",
    ),
    "Cox as a mean over events": (
        lambda t, b: safe_cox(t, b) / anp.maximum(anp.sum(b * EVENT), 1e-300),
        "a mean",
    ),
    "a mean with a penalty": (
        lambda t, b: anp.sum(b * squares(t)) / anp.sum(b) + anp.sum(t**2),
        "a mean",
    ),
    "a mask, no weight": (lambda t, b: anp.sum(anp.where(b > 0, squares(t), 0.0)), "as a mask"),
    "0 * log 0": (cox_with_zero_times_log_zero, r"0 \* log"),
    "0 * log 0 in one row": (
        lambda t, b: anp.sum(b * squares(t)) + b[3] * anp.log(b[3]) + t[0] ** 2,
        "without object 3",
    ),
    "nan gradient only": (
        lambda t, b: anp.sum(b * squares(t)) + anp.sum(anp.sqrt(anp.sum(b) * t[0] ** 2)),
        "gradient is",
    ),
    "risk sets keep the absent": (cox_without_presence_in_its_risk_sets, "must not be read"),
    "centred on all rows": (
        lambda t, b: 0.5 * anp.sum(b * (Y - Y.mean() - anp.dot(X, t)) ** 2),
        "must not be read",
    ),
    "one row never leaves": (
        lambda t, b: anp.sum(b[1:] * squares(t)[1:]) + squares(t)[0],
        "row 0 of `Y`",
    ),
    "value ignores presence": (lambda t, b: anp.sum(squares(t)), "depend on presence"),
    "value ignores theta": (lambda t, b: anp.sum(b * Y), "depend on theta"),
    "theta made a plain number": (lambda t, b: anp.sum(b * (Y - float(t[0])) ** 2), "autograd"),
    "a branch that is a single number": (
        lambda t, b: anp.sum(b * (Y - anp.where(X[:, 0] > 0, t[0], t[1])) ** 2),
        "on its way back.*anp.where with a branch.*anp.ones",
    ),
    "a branch that is theta for every row": (
        lambda t, b: anp.sum(b[:, None] * (X - anp.where(X > 0, t, -t)) ** 2),
        r"shape of theta, \(2,\), but.*anp.where with a branch",
    ),
    "part of theta hidden": (
        lambda t, b: anp.sum(b * squares(t)) * np.exp(vs.losses.autodiff.plain(t)[1]),
        "differences of the value",
    ),
    "one value per row": (lambda t, b: b * squares(t), "one number"),
    "shape (1,)": (lambda t, b: anp.sum(b * squares(t), keepdims=True), "one float"),
    "an integer": (lambda t, b: 5, "one float"),
    "nan": (lambda t, b: anp.sum(b * squares(t)) * np.nan, "finite"),
    "random": (lambda t, b: anp.sum(b * squares(t)) + RNG.random(), "a function"),
}


@pytest.mark.parametrize(("f", "message"), FAULTS.values(), ids=FAULTS)
def test_planted_faults_are_caught(f, message):
    with pytest.raises(LossError, match=message):
        check(f)


def test_a_branch_with_an_entry_for_each_row_passes():
    ones = anp.ones(N)
    check(lambda t, b: anp.sum(b * (Y - anp.where(X[:, 0] > 0, t[0] * ones, t[1] * ones)) ** 2))


def test_the_same_without_a_fault():
    for f in (lambda t, b: anp.sum(b * squares(t)), safe_cox):
        report = check(f)
        assert report.findings["absent data"].startswith("rows of")
    assert "`" not in repr(report)


def right_gradient(theta, b):
    return X.T @ (b * (X @ theta - Y))


@pytest.mark.parametrize(
    "wrong",
    [
        {"grad": lambda t, b: -right_gradient(t, b)},
        {"grad": lambda t, b: right_gradient(t, np.ones(N))},
        {"grad": lambda t, b: right_gradient(t, b) * [1.0, 1 + 1e-6]},
        {"hess": lambda t, b: X.T @ X},
        {"grad": right_gradient, "hess": lambda t, b: (X.T * b) @ X + 1e-3},
    ],
    ids=["sign", "ignores presence", "one part in a million", "hessian", "hessian term"],
)
def test_wrong_derivatives_are_caught(wrong):
    def sum_of_squares(t, b):
        return anp.sum(b * squares(t))

    assert "equal" in check(sum_of_squares, grad=right_gradient).findings["overrides"]
    with pytest.raises(LossError, match="own `(gradient|hessian)`"):
        check(sum_of_squares, **wrong)


def test_a_gradient_of_another_length_is_refused_before_anything_is_compared():
    with pytest.raises(LossError, match=r"`grad` must return an array of shape \(2,\)"):
        check(lambda t, b: anp.sum(b * squares(t)), grad=lambda t, b: right_gradient(t, b)[:1])


@pytest.mark.parametrize(
    "method",
    ["gradient_differences", "weight_gradients", "reduced_hessians", "reduced_slopes"]
    + ["reduced_slopes_at", "reduced_curvatures", "reduced_solves"],
)
def test_a_wrong_override_of_any_method_is_caught(method):
    loss = BY_NAME["cox efron ties"].loss()

    def wrong(self, *args):
        right = getattr(vs.losses.Loss, method)(self, *args)
        return tuple(1.01 * r for r in right) if isinstance(right, tuple) else 1.01 * right

    loss.__class__ = type("Wrong", (type(loss),), {method: wrong})
    with pytest.raises(LossError, match=f"`{method}` must equal"):
        vs.check_loss(loss, [0.1, 0.2])


def test_a_constant_factor_is_caught_by_rebuilding():
    y = [*Y]  # a list: the arrays of this loss cannot be told from its values

    def build(kept):
        own = [y[i] for i in kept]
        return vs.FunctionLoss(
            lambda t, b: sum(p * (v - t[0]) ** 2 for p, v in zip(b, own, strict=True)) / len(own),
            len(own),
            1,
        )

    loss = build(np.arange(N))
    assert "pass rebuild=" in vs.check_loss(loss, [0.1], max_objects=3).findings["absent data"]
    with pytest.raises(LossError, match="30/29 times as much: a mean over objects"):
        vs.check_loss(loss, [0.1], rebuild=build, max_objects=3)


def test_a_leak_through_preparation_is_caught_by_rebuilding():
    def build(kept):
        centred = Y[kept] - Y[kept].mean()
        return vs.FunctionLoss(lambda t, b: anp.sum(b * (centred - t[0]) ** 2), len(kept), 1)

    vs.check_loss(build(np.arange(N)), [0.1])
    with pytest.raises(LossError, match="must not read absent objects"):
        vs.check_loss(build(np.arange(N)), [0.1], rebuild=build)


def test_a_penalty_is_told_from_a_leak():
    def ridge(t, b):
        return anp.sum(b * squares(t)) + 3.0 * anp.sum(t**2)

    assert "taken for a penalty" in check(ridge).findings["penalty"]
    assert "0.39 is left" in check(ridge, penalty=lambda t: 3.0 * np.sum(t**2)).findings["penalty"]
    with pytest.raises(LossError, match="must be its penalty, 0.13, but it is 0.39"):
        check(ridge, penalty=lambda t: np.sum(t**2))


def test_an_owned_parameter_may_not_outlive_its_object():
    def f(theta, b):
        return anp.sum(b * (Y[:2] - theta) ** 2) + anp.sum(theta**2)

    loss = vs.FunctionLoss(f, 2, 2, owned=lambda i: [i])
    with pytest.raises(LossError, match=r"\[0\] are owned by object 0"):
        vs.check_loss(loss, THETA)


def owning(theta, b):
    """Two objects with a deviation each, around a mean that they share."""
    return anp.sum(b * (Y[:2] - theta[0] - theta[1:]) ** 2 + b * theta[1:] ** 2)


OWNERSHIP_FAULTS = {
    "another object's": (lambda i: [2 - i], r"\[2\] are owned by object 0"),
    "the shared one": (lambda i: [0, 1 + i], r"\[0, 1\] are owned by object 0"),
    "nobody's": (lambda i: (), r"no longer depends on \[1\], and it owns \[\]"),
    "of one object only": (lambda i: [1] if i == 0 else [], r"without object 1 .* on \[2\]"),
}


@pytest.mark.parametrize(("owned", "message"), OWNERSHIP_FAULTS.values(), ids=OWNERSHIP_FAULTS)
def test_wrong_owners_are_caught(owned, message):
    theta = np.array([0.3, -0.2, 0.5])
    right = vs.FunctionLoss(owning, 2, 3, owned=lambda i: [1 + i])
    assert "2 have no slope" in vs.check_loss(right, theta).findings["owned"]
    with pytest.raises(LossError, match=message):
        vs.check_loss(vs.FunctionLoss(owning, 2, 3, owned=owned), theta)


CHOSEN = np.array([RNG.permutation(6)[:4] for _ in range(25)])


def choices_shifted_by_their_maximum(leak=0.0):
    """Softmax choices among four of six items, the first chosen; each item has a ridge."""

    def f(theta, b):
        largest = anp.max(theta[CHOSEN], axis=1)
        pool = anp.sum(b[CHOSEN] * anp.exp(theta[CHOSEN] - largest[:, None]), axis=1)
        own = b[CHOSEN[:, 0]]
        logarithm = anp.log(anp.where(own > 0, pool, 1.0)) + largest
        return anp.sum(own * (logarithm - theta[CHOSEN[:, 0]])) + 0.05 * anp.sum(
            (b + leak) * theta**2
        )

    return vs.FunctionLoss(f, 6, 6, owned=lambda i: [i])


def test_rounding_on_an_owned_parameter_is_no_leak():
    theta, loss = np.linspace(-1.0, 1.5, 6), choices_shifted_by_their_maximum()
    left = [loss.gradient(theta, np.where(np.arange(6) == i, 0.0, 1.0))[i] for i in range(6)]
    assert 0 < np.abs(left).max() < ROUNDING
    assert "6 have no slope" in vs.check_loss(loss, theta, skip=["absent data"]).findings["owned"]
    with pytest.raises(LossError, match=r"\[0\] are owned by object 0"):
        vs.check_loss(choices_shifted_by_their_maximum(leak=1e-8), theta)


ONES_AND_X = np.column_stack([np.ones(N), X[:, 0]])


def firth_poisson(theta, b):
    """Jeffreys' prior: half the log determinant of the information of those present."""
    mu = anp.exp(anp.dot(ONES_AND_X, theta))
    information = anp.dot(ONES_AND_X.T * (b * mu), ONES_AND_X)
    return anp.sum(b * (mu - EVENT * anp.log(mu))) - 0.5 * anp.linalg.slogdet(information)[1]


def profiled_variance(theta, b):
    """The normal likelihood of two outcomes whose covariance is at its own maximum."""
    residuals = X - theta
    covariance = anp.dot(residuals.T * b, residuals)
    return 0.5 * N * anp.linalg.slogdet(covariance)[1]


@pytest.mark.parametrize("f", [firth_poisson, profiled_variance])
def test_a_loss_that_too_few_objects_leave_undefined_is_taken(f):
    skip = ["sum"] if f is profiled_variance else []
    report = check(f, skip=skip)
    assert "with object 0 alone for one, where it grows" in report.findings["absent"]
    assert report.findings["penalty"] == "the loss is not defined without any object"
    if f is firth_poisson:
        assert "values equal those of the loss built" in report.findings["absent data"]


def test_an_override_of_a_loss_that_is_not_defined_everywhere_is_checked():
    def gradient(theta, b):
        return vs.losses.autodiff.gradient(lambda t: firth_poisson(t, b), theta)

    assert "gradient equal" in check(firth_poisson, grad=gradient).findings["overrides"]
    with pytest.raises(LossError, match="own `gradient` must equal"):
        check(firth_poisson, grad=lambda t, b: 1.01 * gradient(t, b))


def test_without_an_object_that_a_determinant_needs_only_its_own_row_is_nan():
    lonely = np.column_stack([np.ones(N), np.arange(N) == 4])

    def f(theta, b):
        mu = anp.exp(anp.dot(lonely, theta))
        information = anp.dot(lonely.T * (b * mu), lonely)
        return anp.sum(b * (mu - 2 * anp.log(mu))) - 0.5 * anp.linalg.slogdet(information)[1]

    loss = vs.FunctionLoss(f, N, 2)
    assert "without object 4" in vs.check_loss(loss, THETA).findings["absent"]
    for method in (vs.vif, vs.newton_step, vs.leave_one_out):
        found = method(vs.minimize(loss, [0.0, 0.0]))
        assert np.isnan(found.values).all(axis=1).tolist() == [i == 4 for i in range(N)]


@pytest.mark.parametrize("ridge", [0.0, 1e-30])
def test_what_a_loss_raises_is_an_error_about_the_loss(ridge):
    twice = np.column_stack([X[:, 0], X[:, 0]])

    def f(theta, b):
        information = anp.dot(twice.T * b, twice) + ridge * anp.exp(theta[0]) * np.eye(2)
        return anp.sum(b * squares(theta)) + anp.linalg.inv(information)[0, 0]

    with pytest.raises(LossError, match="singular|regular"):
        vs.Estimate(vs.FunctionLoss(f, N, 2), THETA)


def product_of_two(theta, b, ridge=0.0, on=slice(None)):
    """Only theta_0 theta_1 and, through the ridge, their sizes matter."""
    return anp.sum(b * (Y - theta[0] * theta[1]) ** 2) + ridge * anp.sum(theta[on] ** 2)


GAUGE_FAULTS = {
    "one sign": lambda t: [[t[0], t[1]]],
    "one half": lambda t: [[t[0], 0.0]],
    "one of two": lambda t: [[t[0], -t[1]], [1.0, 0.0]],
}


@pytest.mark.parametrize("gauge", GAUGE_FAULTS.values(), ids=GAUGE_FAULTS)
def test_a_wrong_gauge_is_caught(gauge):
    right = vs.FunctionLoss(product_of_two, N, 2, gauge=lambda t: [[t[0], -t[1]]])
    assert vs.check_loss(right, THETA).findings["gauge"] == "no slope along 1 gauge directions"
    with pytest.raises(LossError, match="Along a gauge direction the loss must not change"):
        vs.check_loss(vs.FunctionLoss(product_of_two, N, 2, gauge=gauge), THETA)


def test_a_gauge_that_a_penalty_fixes_is_caught():
    def penalised(theta, b):
        return product_of_two(theta, b, ridge=0.1, on=slice(1))

    loss = vs.FunctionLoss(penalised, N, 2, gauge=lambda t: [[t[0], -t[1]]])
    with pytest.raises(LossError, match="leave out what a penalty fixes"):
        vs.check_loss(loss, THETA)


def test_a_gauge_that_holds_for_all_objects_only_is_caught():
    """Without object 0 the loss reads theta_0 alone, too."""

    def f(theta, b):
        return product_of_two(theta, b) + anp.sum((1 - b[0]) * (theta[0] - 1) ** 2)

    loss = vs.FunctionLoss(f, N, 2, gauge=lambda t: [[t[0], -t[1]]])
    with pytest.raises(LossError, match="without object 0 its slope"):
        vs.check_loss(loss, THETA, skip=["sum", "absent data", "penalty"])


def test_the_shape_of_a_gauge_is_checked():
    loss = vs.FunctionLoss(product_of_two, N, 2, gauge=lambda t: [t[0], -t[1]])
    with pytest.raises(LossError, match=r"shape \(k, 2\), but has shape \(2,\)"):
        vs.check_loss(loss, THETA)


def test_a_rebuilt_graph_that_keeps_walks_over_the_absent_is_caught():
    """Softmax and pairs without the node, but walks that still pass through it."""
    case = BY_NAME["node embedding"]
    loss = case.loss()
    everywhere = loss.counts(loss.everyone())[1]

    class Leaky(type(loss)):
        def counts(self, presence):
            kept = super().counts(presence)[0]
            return kept, everywhere[np.ix_(kept, kept)]

    loss.__class__ = Leaky
    with pytest.raises(LossError, match="must not read absent objects"):
        vs.check_loss(loss, case.place, rebuild=case.loss, max_objects=8)


def test_a_loss_of_structure_may_have_no_meaning_between_0_and_1():
    loss = vs.FunctionLoss(lambda t, b: anp.sum(anp.where(b > 0, squares(t), 0.0)), N, 2)
    loss.fractional = False
    assert "two halves" in vs.check_loss(loss, THETA).findings["sum"]


def test_a_mean_that_is_meant_can_be_let_through():
    def mean(theta, b):
        return anp.sum(b * squares(theta)) / anp.maximum(anp.sum(b), 1.0)

    report = check(mean, skip=["sum", "absent data"])
    assert report.findings["sum"] == "skipped"
    with pytest.raises(InvalidInputError, match="`skip` names rules"):
        check(mean, skip=["mean"])


def test_the_users_functions_and_arrays_are_left_alone():
    y = Y.copy()
    y.setflags(write=False)
    offset = np.zeros(N)

    def residual(theta):
        return y - offset - anp.dot(X, theta)

    loss = vs.FunctionLoss(lambda theta, b: anp.sum(b * residual(theta) ** 2), N, 2)
    f, before = loss.f, loss.value(THETA, np.ones(N))
    report = vs.check_loss(loss, THETA)
    assert (
        "y, offset" in report.findings["absent data"]
        or "offset, y" in report.findings["absent data"]
    )
    assert loss.f is f and loss.value(THETA, np.ones(N)) == before

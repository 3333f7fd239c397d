"""The references on published numbers, on examples worked by hand, and against each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import oracles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from references import (
    CoxProblem,
    MProblem,
    baseline_cumulative_hazard,
    cast,
    cox_at_each,
    cox_changes,
    cox_gradient,
    cox_gradient_difference,
    cox_hessian,
    cox_hessian_difference,
    cox_value,
    cox_weight_gradient,
    dfbeta_if,
    dfbeta_newton,
    dfbeta_vif,
    fit_cox,
    fit_m,
    gradient_scale,
    least_squares_deletion,
    m_dfbeta_newton,
    m_estimator_influence,
    m_gradient,
    m_hessian,
    m_refit_dfbeta,
    m_scores,
    m_value,
    many_digits,
    refit_dfbeta,
    rows_alone,
    survival,
    without,
)
from strategies import (
    FEATURES,
    cox_cases,
    cox_fits,
    features,
    groups_for,
    m_estimator_problems,
    members_of,
)
from tolerances import (
    CONVERGED_FIT,
    DECIMAL,
    FINITE_DIFFERENCE,
    NOTHING,
    ORACLE,
    REFERENCE,
    ROUNDING,
    printed,
    relative_error,
)

drawn = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TIES = ("breslow", "efron")


# Published numbers

# Freireich et al. (1963), Blood 21, 699-716: weeks in remission, 6-MP then placebo. log WBC is
# from Kleinbaum & Klein, Survival Analysis (3rd ed., 2012), Table 3.1.
SIX_MP = (
    [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
    [2.31, 4.06, 3.28, 4.43, 2.96, 2.88, 3.60, 2.32, 2.57, 3.20, 2.80, 2.70, 2.60, 2.16, 2.05, 2.01]
    + [1.78, 2.20, 2.53, 1.47, 1.45],
)
PLACEBO = (
    [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23],
    [2.80, 5.00, 4.91, 4.48, 4.01, 4.36, 2.42, 3.49, 3.97, 3.52, 3.05, 2.32, 3.26, 3.49, 2.12, 1.50]
    + [3.06, 2.30, 2.95, 2.73, 1.97],
)


def freireich(columns: int, ties: str) -> CoxProblem:
    placebo = np.repeat([0.0, 1.0], 21)
    log_wbc = np.array(SIX_MP[1] + PLACEBO[1])
    X = np.column_stack([placebo, log_wbc, placebo * log_wbc])[:, :columns]
    event = np.arange(42) % 42 < 9
    event[21:] = True
    return CoxProblem(X, np.array(SIX_MP[0] + PLACEBO[0], dtype=float), event, ties=ties)


@pytest.mark.parametrize(
    ("columns", "coef", "se", "loglik"),
    [
        (1, [1.509], [0.410], -86.38),
        (2, [1.294, 1.604], [0.422, 0.329], -72.28),
        (3, [2.355, 1.803, -0.342], [1.681, 0.447, 0.520], -72.07),
    ],
)
def test_leukaemia_models_of_kleinbaum_and_klein(columns, coef, se, loglik):
    """Kleinbaum & Klein (2012), chapter 3, models 1 to 3: Breslow's treatment of ties."""
    problem = freireich(columns, "breslow")
    theta, converged = fit_cox(problem)
    assert converged
    assert theta == pytest.approx(coef, abs=printed(3))
    assert np.sqrt(np.diag(np.linalg.inv(cox_hessian(problem, theta)))) == pytest.approx(
        se, abs=printed(3)
    )
    assert -cox_value(problem, theta) == pytest.approx(loglik, abs=printed(2))


def test_leukaemia_efron():
    """R survival prints coef 1.5721, se 0.4124 for coxph(Surv(time, cens) ~ treat, MASS::gehan)."""
    problem = freireich(1, "efron")
    theta, _ = fit_cox(problem)
    assert theta[0] == pytest.approx(1.5721, abs=printed(4))
    assert cox_hessian(problem, theta)[0, 0] ** -0.5 == pytest.approx(0.4124, abs=printed(4))


# Therneau & Grambsch, Modeling Survival Data (2000), appendix E: two data sets solved by hand.


def data_set_1(ties: str) -> CoxProblem:
    x = np.array([[1.0], [1], [1], [0], [0], [0]])
    return CoxProblem(
        x, np.array([1.0, 1, 6, 6, 8, 9]), np.array([1, 0, 1, 1, 0, 1]) == 1, ties=ties
    )


def data_set_2(ties: str) -> CoxProblem:
    return CoxProblem(
        X=np.array([[1.0], [0], [0], [1], [0], [1], [1], [1], [0], [0]]),
        time=np.array([2.0, 3, 6, 7, 8, 9, 9, 9, 14, 17]),
        event=np.arange(10) < 7,
        entry=np.array([1.0, 2, 5, 2, 1, 7, 3, 4, 8, 8]),
        ties=ties,
    )


def log_likelihood_by_hand(data: int, ties: str, beta: float) -> float:
    r, log = np.exp(beta), np.log
    return {
        (1, "breslow"): 2 * beta - log(3 * r + 3) - 2 * log(r + 3),
        (1, "efron"): 2 * beta - log(3 * r + 3) - log(r + 3) - log((r + 5) / 2),
        (2, "breslow"): 4 * beta
        - log(r + 1)
        - log(r + 2)
        - 3 * log(3 * r + 2)
        - 2 * log(3 * r + 1),
        (2, "efron"): 4 * beta
        - (log(r + 1) + log(r + 2) + 2 * log(3 * r + 2) + 2 * log(3 * r + 1) + log(2 * r + 2)),
    }[data, ties]


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("data", [1, 2])
@pytest.mark.parametrize("beta", [0.0, -0.7, 1.3])
def test_value_of_appendix_e(data, ties, beta):
    problem = {1: data_set_1, 2: data_set_2}[data](ties)
    assert -cox_value(problem, [beta]) == pytest.approx(
        log_likelihood_by_hand(data, ties, beta), rel=REFERENCE
    )


def test_estimates_of_appendix_e():
    """Data set 1 in closed form: r solves r^2 = 3 r + 6 (Breslow) and r^3 = 23 r + 30 (Efron)."""
    assert fit_cox(data_set_1("breslow"))[0][0] == pytest.approx(
        np.log((3 + np.sqrt(33)) / 2), rel=ROUNDING
    )
    r = 2 * np.sqrt(23 / 3) * np.cos(np.arccos(45 / 23 * np.sqrt(3 / 23)) / 3)
    assert fit_cox(data_set_1("efron"))[0][0] == pytest.approx(np.log(r), rel=ROUNDING)
    assert fit_cox(data_set_2("breslow"))[0][0] == pytest.approx(-0.084526081, abs=printed(8))


@pytest.mark.parametrize("beta", [0.0, 1.475285])
def test_score_residuals_of_appendix_e(beta):
    """A score residual is the derivative of the score in the row's weight (data set 1, Breslow)."""
    r = np.exp(beta)
    a, b = 3 * (r + 1) ** 2, (r + 3) ** 2
    late = r / a + 2 * r / b
    by_hand = [
        (2 * r + 3) / a,
        -r / a,
        -r / a + 3 * (3 - r) / b,
        r / a - r * (r + 1) / b,
        late,
        late,
    ]
    problem = data_set_1("breslow")
    residuals = [-cox_weight_gradient(problem, [beta], i)[0] for i in range(6)]
    assert residuals == pytest.approx(by_hand, rel=REFERENCE)


def test_score_residuals_of_appendix_e_with_efron_ties():
    """Data set 1 at beta = 0: risk weights at the second death of time 6 are 1/2, 1/2, 1, 1."""
    x, m = np.array([1.0, 1, 1, 0, 0, 0]), (1 / 2, 1 / 4, 1 / 6)
    at_1 = (x - m[0]) * (np.eye(6)[0] - 1 / 6)
    dying = np.array([0, 0, 0.5, 0.5, 0, 0])
    first = (x - m[1]) * (dying - np.array([0, 0, 1, 1, 1, 1]) / 4)
    second = (x - m[2]) * (dying - np.array([0, 0, 0.5, 0.5, 1, 1]) / 3)
    residuals = [-cox_weight_gradient(data_set_1("efron"), [0.0], i)[0] for i in range(6)]
    assert residuals == pytest.approx(at_1 + first + second, rel=REFERENCE)


def test_rearrest_model_of_fox():
    """Fox & Weisberg, An R Companion (2nd ed.), appendix on Cox regression: Rossi's data, Efron."""
    datasets = pytest.importorskip("lifelines.datasets")
    data = datasets.load_rossi()
    X = data.drop(columns=["week", "arrest"]).to_numpy(float)
    theta, _ = fit_cox(CoxProblem(X, data["week"].to_numpy(float), data["arrest"].to_numpy() == 1))
    coef = [-0.37942, -0.05744, 0.31390, -0.14980, -0.43370, -0.08487, 0.09150]
    assert theta == pytest.approx(coef, abs=printed(5))


# By hand


def test_three_rows_by_hand():
    """x = 1, 0, 1 at theta = log 2, so r = 2, 1, 2; events at times 1 and 2, the last censored."""
    problem = CoxProblem(
        np.array([[1.0], [0], [1]]), np.array([1.0, 2, 3]), np.array([True, True, False])
    )
    theta = [np.log(2)]
    assert cox_value(problem, theta) == pytest.approx(
        np.log(5) + np.log(3) - np.log(2), rel=REFERENCE
    )
    # means 4/5 and 2/3, of which one event has x = 1
    assert cox_gradient(problem, theta) == pytest.approx(7 / 15, rel=REFERENCE)
    assert cox_hessian(problem, theta) == pytest.approx(4 / 25 + 2 / 9, rel=REFERENCE)
    # without row 0: 2/3; without row 1: 1 - 1; without row 2: 2/3 + 0 - 1
    D = [cox_gradient_difference(problem, theta, i)[0] for i in range(3)]
    assert pytest.approx([7 / 15 - 2 / 3, 7 / 15, 7 / 15 + 1 / 3], rel=DECIMAL) == D
    weight = [cox_weight_gradient(problem, theta, i)[0] for i in range(3)]
    assert pytest.approx([-3 / 25, -4 / 25 + 4 / 9, 2 / 25 + 2 / 9], rel=DECIMAL) == weight
    # without row 0: 2/9; without row 1: 0; without row 2: 2/9 + 0
    H = [cox_hessian_difference(problem, theta, i)[0, 0] for i in range(3)]
    assert pytest.approx([4 / 25, 4 / 25 + 2 / 9, 4 / 25], rel=DECIMAL) == H
    newton = dfbeta_newton(problem, theta)[:, 0]
    assert newton[[0, 2]] == pytest.approx([-D[0] * 9 / 2, -D[2] * 9 / 2], rel=REFERENCE)
    assert np.isnan(newton[1])
    assert baseline_cumulative_hazard(problem, theta, t=2.5) == pytest.approx(
        1 / 5 + 1 / 3, rel=REFERENCE
    )
    assert survival(problem, theta, [1.0], t=1) == pytest.approx(np.exp(-2 / 5), rel=REFERENCE)


def test_tied_pair_by_hand():
    """Two events and a survivor at theta = 0, case weights 1, 3, 2: Efron's a is 2, their mean."""
    X, time = np.array([[1.0], [0], [0]]), np.array([1.0, 1, 2])
    problem = CoxProblem(X, time, np.array([True, True, False]), weights=np.array([1.0, 3, 2]))
    assert cox_value(problem, [0.0]) == pytest.approx(2 * np.log(6) + 2 * np.log(4), rel=REFERENCE)
    assert cox_gradient(problem, [0.0]) == pytest.approx(2 / 6 + 2 * (1 / 2) / 4 - 1, rel=REFERENCE)
    # without row 1 there is one event, of weight 1, among weights 1 and 2
    D = cox_gradient_difference(problem, [0.0], 1)
    assert pytest.approx(7 / 12 - 1 - (1 / 3 - 1), rel=DECIMAL) == D
    breslow = replace(problem, ties="breslow")
    assert cox_value(breslow, [0.0]) == pytest.approx(4 * np.log(6), rel=REFERENCE)


def test_entry_at_an_event_time_is_not_at_risk_and_exit_is():
    """Row 1 enters at time 1, so only rows 0 and 2, censored at 1, are at risk there."""
    problem = CoxProblem(
        np.zeros((3, 1)),
        np.array([1.0, 2, 1]),
        np.array([True, False, False]),
        np.array([0.0, 1, 0]),
    )
    assert cox_value(problem, [0.0]) == pytest.approx(np.log(2), rel=REFERENCE)


def test_nelson_aalen_by_hand():
    """At theta = 0 Breslow's baseline is Nelson-Aalen, Efron's Fleming-Harrington (data set 1)."""
    hazard = {t: baseline_cumulative_hazard(data_set_1(t), [0.0], t=6) for t in TIES}
    assert hazard["breslow"] == pytest.approx(1 / 6 + 2 / 4, rel=REFERENCE)
    assert hazard["efron"] == pytest.approx(1 / 6 + 1 / 4 + 1 / 3, rel=REFERENCE)


def size_of_terms(problem: CoxProblem, theta) -> np.ndarray:
    """Unit for the rounding of a float64 gradient, shape (p,): its terms may cancel to 0."""
    size = gradient_scale(problem) * problem.event.sum()
    return size if problem.penalty is None else size + np.abs(problem.penalty) @ np.abs(theta)


# Derivatives, in 50 digits: the error of a central difference of step 1e-16 is far below float64

STEP = Decimal("1e-16")


@many_digits
def central(function, theta):
    """Derivative of `function` along each coordinate; the new axis comes first."""
    columns = []
    for k in range(len(theta)):
        up = [Decimal(float(v)) for v in theta]
        down = list(up)
        up[k], down[k] = up[k] + STEP, down[k] - STEP
        columns.append((function(np.array(up)) - function(np.array(down))) / (2 * STEP))
    return np.array(columns).astype(float)


@drawn
@given(cox_cases(max_rows=20))
def test_derivatives_are_those_of_the_value(case):
    problem, theta = case
    gradient = cox_gradient(problem, theta, number=Decimal)
    hessian = cox_hessian(problem, theta, number=Decimal)
    slope = central(lambda at: cox_value(problem, at, number=Decimal), theta)
    curvature = central(lambda at: cox_gradient(problem, at, number=Decimal), theta)
    scale = gradient_scale(problem)
    assert relative_error(slope[None], gradient[None], scale) < DECIMAL
    assert relative_error(curvature, hessian, scale * scale.max()) < DECIMAL


@drawn
@given(cox_cases(max_rows=25))
def test_three_arithmetics_agree(case):
    problem, theta = case
    scale = size_of_terms(problem, theta)
    exact_value = float(cox_value(problem, theta, number=Decimal))
    assert cox_value(problem, theta) == pytest.approx(
        exact_value, rel=ROUNDING, abs=ROUNDING * scale.max()
    )
    for function, unit in ((cox_gradient, scale), (cox_hessian, scale * scale.max())):
        exact = np.atleast_2d(function(problem, theta, number=Decimal).astype(float))
        assert relative_error(np.atleast_2d(function(problem, theta)), exact, unit) < ROUNDING
    for function in (cox_gradient_difference, cox_weight_gradient):
        exact = np.array([function(problem, theta, i) for i in range(problem.n_rows)])
        extended = [function(problem, theta, i, np.longdouble) for i in range(problem.n_rows)]
        assert relative_error(extended, exact, scale) < ROUNDING


@drawn
@given(st.data())
def test_presences_side_by_side_are_each_of_them(data):
    problem, theta = data.draw(cox_cases(max_rows=20))
    groups = members_of(data.draw(groups_for(problem)))
    scale = gradient_scale(problem) + NOTHING
    D, slopes, H = cox_changes(problem, theta, groups)
    some = range(0, len(groups), 4)
    for k in some:
        exact = cox_gradient_difference(problem, theta, groups[k])
        assert relative_error(D[k, None], exact[None], scale) < DECIMAL
        exact = cox_weight_gradient(problem, theta, groups[k])
        assert relative_error(slopes[k, None], exact[None], scale) < REFERENCE
        exact = cox_hessian(problem, theta, without(problem.n_rows, groups[k]), Decimal)
        assert relative_error(H[k], exact, scale * scale.max()) < DECIMAL
    size = size_of_terms(problem, theta)
    b = np.array([without(problem.n_rows, groups[k]) for k in some])
    for k, (value, gradient, hessian) in enumerate(
        zip(*cox_at_each(problem, theta, b), strict=True)
    ):
        alone = cox_value(problem, theta, b[k])
        assert value == pytest.approx(alone, rel=REFERENCE, abs=REFERENCE * size.max())
        alone = cox_gradient(problem, theta, b[k])
        assert relative_error(gradient[None], alone[None], size) < REFERENCE
        alone = cox_hessian(problem, theta, b[k])
        assert relative_error(hessian, alone, size * size.max()) < REFERENCE


# The definition, and docs/mathematics.md, equations (19) to (22), written per pair


@drawn
@given(st.data())
def test_difference_is_that_of_two_data_sets(data):
    problem, theta = data.draw(cox_cases(max_rows=20))
    for members in members_of(data.draw(groups_for(problem))):
        rest = problem.take(np.setdiff1d(np.arange(problem.n_rows), members))
        for difference, function in (
            (cox_gradient_difference, cox_gradient),
            (cox_hessian_difference, cox_hessian),
        ):
            whole = function(problem, theta, number=Decimal) - function(rest, theta, number=Decimal)
            assert np.allclose(
                difference(problem, theta, members), whole.astype(float), rtol=DECIMAL, atol=NOTHING
            )


@many_digits
def closed_form(problem: CoxProblem, theta, i: int, method: str) -> np.ndarray:
    """D or the weight gradient of row i, by equations (19) to (22), from sums over risk sets."""
    nothing = np.zeros(problem.n_rows)
    weights = cast(nothing + 1 if problem.weights is None else problem.weights, Decimal)
    X, offset = cast(problem.X, Decimal), nothing if problem.offset is None else problem.offset
    r = weights * np.exp(X @ cast(theta, Decimal) + cast(offset, Decimal))
    strata = nothing if problem.strata is None else problem.strata
    same = strata == strata[i]
    total = cast(np.zeros(problem.n_params), Decimal)
    for t in np.unique(problem.time[same & problem.event]):
        risk = same & problem.at_risk(t)
        tied = risk & problem.event & (problem.time == t)
        if not risk[i]:
            continue
        if tied[i] and method == "vif":
            total = total + _event_part(problem.ties, X, r, weights, risk, tied, i)
            continue
        total = total + _risk_part(problem.ties, X, r, weights, risk, tied, i, method)
        total = total - (weights[i] * X[i] if tied[i] else 0)
    return total.astype(float)


def _risk_part(ties, X, r, weights, risk, tied, i, method) -> np.ndarray:
    """a u eps/(1-eps) or a u eps; at its own event time the derivative of a m in the weight."""
    d, W, total = int(tied.sum()), weights[tied].sum(), 0 * X[i]
    split = d if ties == "efron" else 1
    for tie in range(split):
        c = np.where(tied, r * (1 - Decimal(tie) / d), r)
        phi = c[risk].sum()
        m = c[risk] @ X[risk] / phi
        u, eps = X[i] - m, c[i] / phi
        if tied[i]:
            total = total + weights[i] / split * m + W / split * eps * u
        elif method == "if":
            total = total + W / split * eps * u
        else:
            total = total + W / split * eps / (1 - eps) * u
    return total


def _event_part(ties, X, r, weights, risk, tied, i) -> np.ndarray:
    """What D gets at the row's own event time, with the letters of equations (21) and (22)."""
    rest, d = risk & (np.arange(len(r)) != i), int(tied.sum())
    S0, S0D, W, N = r[risk].sum(), r[tied].sum(), weights[tied].sum(), d - 1
    m, xD = r[risk] @ X[risk] / S0, r[tied] @ X[tied] / S0D
    u0, w = X[i] - m, weights[i]
    if d == 1:
        return -w * u0
    S0_, S0D_ = r[rest].sum(), r[rest & tied].sum()
    own = -w * u0 + (W - w) * u0 * r[i] / S0_
    if ties == "breslow":
        return own
    delta = m - xD
    delta_ = delta - u0 * r[i] / S0_ + (X[i] - xD) * r[i] / S0D_
    own = own + W / d * delta * _C(S0 * d / S0D, d)
    return own - (W - w) / N * delta_ * _C(S0_ * N / S0D_, N)


def _C(g: Decimal, n: int) -> Decimal:
    return sum((tie / (g - tie) for tie in range(n)), Decimal(0))


@drawn
@given(cox_cases(max_rows=16))
def test_closed_forms_of_section_3_1(case):
    problem, theta = case
    scale = gradient_scale(problem) + NOTHING
    for method, function in (("vif", cox_gradient_difference), ("if", cox_weight_gradient)):
        exact = [function(problem, theta, i) for i in range(problem.n_rows)]
        formula = [closed_form(problem, theta, i, method) for i in range(problem.n_rows)]
        assert relative_error(formula, exact, scale) < DECIMAL


# Invariances


@drawn
@given(cox_cases())
def test_gradient_is_the_sum_of_weight_gradients(case):
    """grad L is homogeneous of degree 1 in the weights (Euler), tie counts held."""
    problem, theta = replace(case[0], penalty=None), case[1]
    parts = sum(cox_weight_gradient(problem, theta, i) for i in range(problem.n_rows))
    assert (
        relative_error(
            cox_gradient(problem, theta)[None], parts[None], size_of_terms(problem, theta)
        )
        < ROUNDING
    )


@drawn
@given(cox_cases(times=("distinct",), entry=("none", "random")))
def test_efron_is_breslow_without_ties(case):
    problem, theta = case
    efron, breslow = replace(problem, ties="efron"), replace(problem, ties="breslow")
    for i in range(problem.n_rows):
        D = cox_gradient_difference(efron, theta, i)
        assert np.allclose(D, cox_gradient_difference(breslow, theta, i), rtol=DECIMAL, atol=0)
    assert cox_value(efron, theta) == pytest.approx(cox_value(breslow, theta), rel=REFERENCE)


@drawn
@given(cox_cases(weights=("integer",), ties=("breslow",)))
def test_integer_weights_are_repeated_rows_under_breslow(case):
    problem, theta = case
    repeats = problem.weights.astype(int)
    source = np.repeat(np.arange(problem.n_rows), repeats)
    repeated = replace(problem, weights=None).take(source)
    gradient = cox_gradient(repeated, theta, number=Decimal).astype(float)
    assert (
        relative_error(
            cox_gradient(problem, theta)[None], gradient[None], size_of_terms(problem, theta)
        )
        < ROUNDING
    )
    i = problem.n_rows // 2
    D = cox_gradient_difference(repeated, theta, np.flatnonzero(source == i))
    assert np.allclose(cox_gradient_difference(problem, theta, i), D, rtol=DECIMAL, atol=NOTHING)


@drawn
@given(cox_cases(strata=("few", "many")))
@many_digits
def test_strata_are_a_sum(case):
    problem, theta = replace(case[0], penalty=None), case[1]
    parts = [problem.take(problem.strata == s) for s in np.unique(problem.strata)]
    for function in (cox_value, cox_gradient, cox_hessian):
        whole = function(problem, theta, number=Decimal)
        total = sum(function(replace(part, strata=None), theta, number=Decimal) for part in parts)
        assert np.allclose(
            np.asarray(whole, float), np.asarray(total, float), rtol=DECIMAL, atol=NOTHING
        )


@drawn
@given(cox_cases(max_rows=25), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(case, random):
    problem, theta = case
    order = random.sample(range(problem.n_rows), problem.n_rows)
    names = None if problem.strata is None else np.array([f"ward {s}" for s in problem.strata])
    shuffled = replace(problem, strata=names).take(order)
    D = [cox_gradient_difference(problem, theta, i) for i in order]
    assert np.allclose(
        [cox_gradient_difference(shuffled, theta, i) for i in range(len(order))],
        D,
        DECIMAL,
        NOTHING,
    )


@drawn
@given(cox_cases())
def test_absent_rows_contribute_exactly_nothing(case):
    problem, theta = case
    nobody = np.zeros(problem.n_rows)
    penalty = np.zeros((len(theta),) * 2) if problem.penalty is None else problem.penalty
    assert cox_value(problem, theta, nobody) == theta @ penalty @ theta / 2
    assert np.array_equal(cox_gradient(problem, theta, nobody), penalty @ theta)
    assert np.array_equal(cox_hessian(problem, theta, nobody), penalty)
    # a row that is alone whenever it is at risk at an event has no influence, not nearly none
    for i in range(problem.n_rows):
        b = np.eye(problem.n_rows)[i]
        assert np.array_equal(cox_gradient(problem, theta, b), penalty @ theta)
        assert np.isfinite(cox_value(problem, theta, b))


@drawn
@given(cox_cases(), st.sampled_from([-512.0, 4096.0]))
def test_the_origin_of_x_does_not_matter(case, shift):
    problem, theta = case
    # a shift by a power of two of rounded values is exact, so 50 digits must agree
    rounded = replace(problem, X=np.round(problem.X * 1024) / 1024)
    moved = replace(rounded, X=rounded.X + shift)
    for i in range(0, problem.n_rows, 5):
        D = cox_gradient_difference(rounded, theta, i)
        assert np.allclose(cox_gradient_difference(moved, theta, i), D, DECIMAL, NOTHING)


# Fits and dfbetas


@drawn
@given(cox_fits(max_rows=20))
def test_a_fit_is_a_minimum_and_refits_are_fits_of_the_rest(case):
    problem, theta = case
    H = cox_hessian(problem, theta)
    exact = cox_gradient(problem, theta, number=Decimal).astype(float)
    assert np.sqrt(exact @ np.linalg.solve(H, exact)) < CONVERGED_FIT
    se = np.sqrt(np.diag(np.linalg.inv(H)))
    some = sorted({0, problem.n_rows // 2, problem.n_rows - 1})
    exact_refits = refit_dfbeta(problem, theta, [np.array([i]) for i in some])
    for i, row in zip(some, exact_refits, strict=True):
        rest, converged = fit_cox(problem.take(np.arange(problem.n_rows) != i))
        if np.isfinite(row).all() and converged:
            assert relative_error(row[None], (theta - rest)[None], se) < FINITE_DIFFERENCE
        changes = [f(problem, theta, i) for f in (cox_gradient_difference, cox_hessian_difference)]
        if not any(change.any() for change in changes):
            assert not row.any()


@pytest.mark.parametrize("ties", TIES)
def test_the_four_methods_approach_the_refits_in_their_order(ties):
    problem = freireich(2, ties)
    theta, _ = fit_cox(problem)
    exact = refit_dfbeta(problem, theta)
    errors = [
        np.linalg.norm(f(problem, theta) - exact) / np.linalg.norm(exact)
        for f in (dfbeta_if, dfbeta_vif, dfbeta_newton)
    ]
    assert errors[2] < errors[1] < errors[0] < 0.25
    assert errors[2] < 0.06
    # the sign: leaving out a row moves the estimate to theta minus dfbeta
    i = np.abs(exact[:, 0]).argmax()
    rest, _ = fit_cox(problem.take(np.arange(42) != i))
    assert rest == pytest.approx(theta - exact[i], rel=CONVERGED_FIT)


@drawn
@given(st.data())
def test_group_rows_of_if_add_up(data):
    problem, theta = data.draw(cox_fits(max_rows=20))
    groups = members_of(data.draw(groups_for(problem)))
    rows = dfbeta_if(problem, theta)
    added = np.array([rows[members].sum(axis=0) for members in groups])
    H = cox_hessian(problem, theta)
    scale = np.abs(np.linalg.inv(H)) @ gradient_scale(problem)
    assert relative_error(dfbeta_if(problem, theta, groups), added, scale) < ROUNDING


# Against R survival: tests/oracles.py


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize(
    "name",
    [
        "lung_strata_weights",
        "lung_small_strata",
        "lung_ridge",
        "veteran",
        "veteran_entry",
        "heart",
        "cgd",
    ],
)
def test_against_r_survival(name, ties):
    case = oracles.load_case(name, ties)
    problem = CoxProblem(
        X=case.X.to_numpy(),
        time=case.time.astype(float),
        event=case.event.astype(bool),
        entry=case.entry,
        weights=case.weights,
        strata=case.strata,
        ties=ties,
        penalty=None if case.penalty is None else np.diag(case.penalty),
    )
    theta, _ = fit_cox(problem)
    se = np.sqrt(np.diag(case.naive_cov))
    assert np.abs((theta - case.coef) / se).max() < ORACLE
    assert np.linalg.inv(cox_hessian(problem, theta)) == pytest.approx(
        case.naive_cov.to_numpy(), rel=ORACLE
    )
    unpenalised = cox_value(replace(problem, penalty=None), theta)
    assert unpenalised == pytest.approx(-case.loglik, rel=ORACLE)
    some = np.arange(problem.n_rows)[::10]
    dfbeta = dfbeta_if(problem, theta, [np.array([i]) for i in some])
    assert (
        relative_error(
            dfbeta, case.dfbeta.to_numpy()[some], np.abs(case.dfbeta.to_numpy()).max(axis=0)
        )
        < ORACLE
    )
    refits = refit_dfbeta(problem, theta, [np.array([i]) for i in case.refits.index[:3]])
    assert relative_error(refits, case.loo.to_numpy()[:3]) < ORACLE
    for stratum, curve in case.baseline.groupby("strata"):
        last = curve["time"].max()
        hazard = baseline_cumulative_hazard(problem, theta, t=last, stratum=stratum)
        assert hazard == pytest.approx(curve["cumhaz"].max(), rel=ORACLE)


# M-estimators


@drawn
@given(m_estimator_problems())
def test_m_estimator_derivatives(problem):
    theta, converged = fit_m(problem)
    assert converged
    b = np.ones(len(problem.y))
    steps = 1e-5 * np.eye(len(theta))
    slope = [(m_value(problem, theta + s) - m_value(problem, theta - s)) / 2e-5 for s in steps]
    scale = np.abs(m_scores(problem, theta)).sum() + 1
    assert np.abs(np.array(slope) - m_gradient(problem, theta, b)).max() < FINITE_DIFFERENCE * scale
    if problem.kind != "huber":
        curvature = [
            (m_gradient(problem, theta + s) - m_gradient(problem, theta - s)) / 2e-5 for s in steps
        ]
        assert relative_error(curvature, m_hessian(problem, theta), 1.0) < FINITE_DIFFERENCE


@drawn
@given(m_estimator_problems(kinds=("least squares",)))
def test_newton_is_deletion_for_least_squares(problem):
    theta, _ = fit_m(problem)
    newton = m_dfbeta_newton(problem, theta)
    refits = m_refit_dfbeta(problem, theta)
    unit = np.sqrt(np.diag(np.linalg.inv(m_hessian(problem, theta))))
    fine = np.isfinite(newton).all(axis=1) & (np.abs(newton) < 1e4 * unit).all(axis=1)
    assert relative_error(newton[fine], refits[fine], unit) < CONVERGED_FIT
    if problem.ridge == 0:
        deletion = least_squares_deletion(problem.X, problem.y)
        assert relative_error(newton[fine], deletion[fine], unit) < CONVERGED_FIT


def test_stack_loss_of_brownlee():
    """Brownlee (1965), p. 454: coefficients; leverage turns the influence into exact deletion."""
    datasets = pytest.importorskip("statsmodels.datasets")
    data = datasets.stackloss.load_pandas()
    X = np.column_stack([np.ones(21), data.exog.to_numpy(float)])
    problem = MProblem("least squares", X, data.endog.to_numpy(float))
    theta, _ = fit_m(problem)
    assert theta == pytest.approx([-39.9197, 0.7156, 1.2953, -0.1521], abs=printed(4))
    H = m_hessian(problem, theta)
    influence = m_estimator_influence(H, m_scores(problem, theta))
    leverage = np.einsum("ij,ij->i", X, np.linalg.solve(H, X.T).T)
    exact = least_squares_deletion(X, problem.y)
    assert influence / (1 - leverage)[:, None] == pytest.approx(exact, rel=CONVERGED_FIT)


def test_spector_logit_of_greene():
    """Greene, Econometric Analysis (5th ed.), Table 21.1: coefficients and standard errors."""
    datasets = pytest.importorskip("statsmodels.datasets")
    data = datasets.spector.load_pandas()
    X = np.column_stack([np.ones(32), data.exog.to_numpy(float)])
    problem = MProblem("logistic", X, data.endog.to_numpy(float))
    theta, _ = fit_m(problem)
    assert theta == pytest.approx([-13.021, 2.826, 0.095, 2.379], abs=printed(3))
    H = m_hessian(problem, theta)
    assert np.sqrt(np.diag(np.linalg.inv(H))) == pytest.approx(
        [4.931, 1.263, 0.142, 1.065], abs=printed(3)
    )
    influence = m_estimator_influence(H, m_scores(problem, theta))
    refits, newton = m_refit_dfbeta(problem, theta), m_dfbeta_newton(problem, theta)
    # one sign, and each approximation nearer than the one before
    errors = [np.linalg.norm(a - refits) / np.linalg.norm(refits) for a in (influence, newton)]
    assert errors[1] < errors[0] < 0.5


# The strategies


def test_drawn_problems_have_every_feature():
    """Each of `FEATURES` is in at least 5 % of 500 draws."""
    seen = Counter()

    @settings(
        max_examples=500,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cox_cases())
    def draw(case):
        seen.update(features(*case))
        seen["draws"] += 1

    draw()
    assert seen["draws"] >= 500
    rare = {name: seen[name] for name in FEATURES if seen[name] < 0.05 * seen["draws"]}
    assert not rare


@drawn
@given(st.data())
def test_drawn_groups_cover_the_rows_once(data):
    problem, _ = data.draw(cox_cases())
    ids = data.draw(groups_for(problem))
    groups = members_of(ids)
    assert sorted(np.concatenate(groups)) == list(range(problem.n_rows))
    assert len(groups) >= 2
    assert len(rows_alone(problem)) == problem.n_rows
    assert without(problem.n_rows, groups[0]).sum() == problem.n_rows - len(groups[0])

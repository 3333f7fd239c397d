"""Bad arguments of every public callable: an error of the package, and none of another library."""

from __future__ import annotations

import inspect
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import public
import public_calls
import pytest
import statsmodels.api as sm
import wrong_values
from lifelines import WeibullAFTFitter, WeibullFitter

import vifstats as vs
from vifstats.losses import Cox, LinearPredictor
from vifstats.losses import row_losses as rl
from vifstats.losses.row_losses.links import Log, Logit

X = np.random.default_rng(0).normal(size=(9, 1))
T = np.arange(9.0) + 1
ONE = np.ones((4, 1))


@cache
def est() -> vs.Estimate:
    return vs.minimize(Cox(X, T), [0.0])


@cache
def inf() -> vs.Influence:
    return vs.vif(est())


NO_MODEL = (3, "fit", None, {}, object(), sm.OLS(T, X), WeibullFitter(), WeibullAFTFitter(), vs.vif)
VERBS = {
    "vif": vs.vif,
    "classical_if": vs.classical_if,
    "newton_step": vs.newton_step,
    "leave_one_out": vs.leave_one_out,
    "truncated_refits": vs.truncated_refits,
    "refit_top": vs.refit_top,
    "influence": vs.influence,
    "conclusions": vs.conclusions,
    "influential_set": lambda x: vs.influential_set(x, "x0", flip="sign"),
    "leave_one_group_out": lambda x: vs.leave_one_group_out(x, np.arange(9) // 3),
    "cross_validated_loglik": vs.cross_validated_loglik,
    "choose_penalty": lambda x: vs.choose_penalty(x, [1.0]),
    "edit": lambda x: vs.edit(x, event="flip"),
    "fragility": lambda x: vs.fragility(x, "x0"),
    "covariate_sensitivity": vs.covariate_sensitivity,
    "from_model": vs.from_model,
    "vif_cox": vs.vif_cox,
    "report": lambda x: vs.report(x),
    "compare": lambda x: vs.compare(x, x),
    "minimize": lambda x: vs.minimize(x, [0.0]),
    "Estimate": lambda x: vs.Estimate(x, [0.0]),
    "check_loss": lambda x: vs.check_loss(x, [0.0]),
}

# name, what is called with each value, and the values
OPTIONS = [
    ("solver", lambda v: vs.vif(est(), solver=v), ("cholesky", 3, vs.solvers.Cholesky, {})),
    ("solver", lambda v: vs.classical_if(est(), solver=v), ("cholesky", 3, object())),
    ("guard", lambda v: vs.newton_step(est(), guard=v), ("yes", 1, None)),
    ("radius", lambda v: vs.truncated_refits(est(), radius=v), (-1, 0, np.nan, np.inf, "a", None)),
    ("max_steps", lambda v: vs.truncated_refits(est(), max_steps=v), (-1, 1.5, "a", None)),
    ("max_steps", lambda v: vs.leave_one_out(est(), max_steps=v), (-1, 0, 1.5, "a", None, True)),
    ("tol", lambda v: vs.leave_one_out(est(), tol=v), (-1, 0, np.nan, np.inf, "a", None)),
    ("tol", lambda v: vs.minimize(Cox(X, T), [0.0], tol=v), (-1, 0, np.nan, np.inf, "a", None)),
    ("max_steps", lambda v: vs.minimize(Cox(X, T), [0.0], max_steps=v), (-1, 0, 1.5, "a", None)),
    ("tol", lambda v: vs.Estimate(Cox(X, T), [0.0], tol=v), (-1, 0, np.nan, "a", None)),
    ("dispersion", lambda v: vs.Estimate(est().loss, est().theta, dispersion=v), (-1, 0, "a")),
    ("n", lambda v: vs.refit_top(inf(), v), (-1, 2.5, "a", None, True)),
    ("n", lambda v: inf().top(v), (-1, 2.5, "a", None)),
    ("by", lambda v: inf().top(by=v), ("x9", 3, None)),
    ("kind", lambda v: inf().cov_params(v), ("hc", 3, None)),
    ("method", lambda v: vs.influence(est(), method=v), ("exact", 3, None)),
    ("seconds", lambda v: vs.influence(est(), seconds=v), (-1, np.nan, "a", None)),
    ("refit_top", lambda v: vs.influence(est(), refit_top=v), (-1, 2.5, "a", None)),
    ("level", lambda v: vs.conclusions(est(), level=v), (0, 1, -1, 2, np.nan, "a", None)),
    ("groups", lambda v: vs.vif(est(), groups=v), (["a"] * 9, [1, 2], "site", 3, [[1] * 9])),
    ("objects", lambda v: vs.vif(est(), objects=v), ([99], [0, 0], [True], ["a"])),
    ("groups", lambda v: vs.leave_one_group_out(est(), v), (None, ["a"] * 9, [1], 3)),
    ("target", lambda v: vs.influential_set(est(), v, flip="sign"), ("x9", 3, None)),
    ("flip", lambda v: vs.influential_set(est(), "x0", flip=v), ("p", 3, None)),
    ("change", lambda v: vs.influential_set(est(), "x0", change=v), ("a", np.nan, 0)),
    (
        "max_size",
        lambda v: vs.influential_set(est(), "x0", flip="sign", max_size=v),
        (0, -1, 1.5, "a"),
    ),
    ("method", lambda v: vs.influential_set(est(), "x0", flip="sign", method=v), ("best", 3)),
    ("method", lambda v: vs.cross_validated_loglik(est(), method=v), ("exact", 3, None)),
    ("penalties", lambda v: vs.choose_penalty(est(), v), ([-1.0], ["a"], [np.nan], [])),
    ("names", lambda v: vs.Estimate(est().loss, est().theta, names=v), (["a", "b"], [])),
    ("f", lambda v: vs.FunctionLoss(v, 2, 1), (3, None, "f")),
    ("n_objects", lambda v: vs.FunctionLoss(lambda t, b: 0, v, 1), (0, -1, 1.5, "a", None)),
    ("n_params", lambda v: vs.FunctionLoss(lambda t, b: 0, 2, v), (0, -1, 1.5, "a", None)),
    ("f", lambda v: vs.MEstimator(v, [1.0]), (3, None, "f")),
    ("damping", lambda v: vs.solvers.Cholesky(damping=v), (-1, np.nan, np.inf, "a", None)),
    ("cutoff", lambda v: vs.solvers.Eigen(cutoff=v), (-1, 0, 1, np.nan, "a", None)),
    ("rank", lambda v: vs.solvers.Lanczos(rank=v), (-1, 0, 2.5, "a", None)),
    ("rest", lambda v: vs.solvers.Lanczos(rank=1, rest=v), (-1, 0, np.nan, "a")),
    ("tol", lambda v: vs.solvers.ConjugateGradient(tol=v), (-1, 0, 1, np.nan, "a", None)),
    ("tol", lambda v: vs.solvers.LiSSA(tol=v), (-1, 0, 1, np.nan, "a", None)),
    ("ties", lambda v: Cox(X, T, ties=v), ("exactly", 3, None)),
    ("penalty", lambda v: Cox(X, T, penalty=v), ("a", -1, [1, 2], np.nan)),
    ("weights", lambda v: Cox(X, T, weights=v), (0, [0] * 9, [-1] * 9, [1], ["a"] * 9)),
    ("E", lambda v: Cox(X, T, v), ([2] * 9, [0] * 9, ["a"] * 9, [1])),
    ("T", lambda v: Cox(X, v), ([-1] + [1] * 8, [np.nan] * 9, ["a"] * 9, [1])),
    ("entry", lambda v: Cox(X, T, entry=v), (T, T + 1, [np.nan] * 9, ["a"] * 9)),
    ("event", lambda v: vs.edit(est(), event=v), ("turn", 2, [1], ["a"] * 9)),
    ("transform", lambda v: vs.targets.ProportionalHazards(v), ("sqrt", 3, None)),
    ("transform", lambda v: vs.targets.ProportionalHazards(v), (np.zeros(2), pd.DataFrame(), [])),
    ("name", lambda v: inf().on(vs.targets.Coefficient(v)), ("x9", 3, np.zeros(2), pd.DataFrame())),
    ("name", lambda v: inf().on(vs.targets.PValue(v)), ("x9", 3, np.zeros(2), [])),
    ("stratum", lambda v: inf().on(vs.targets.RMST({"x0": 1.0}, 4.0, v)), (3, np.zeros(2), "a")),
    ("method", lambda v: vs.influence(est(), method=v), (np.zeros(2), pd.DataFrame(), [])),
    ("path", vs.datasets.read_table, (3, None, b"x", [], np.zeros(2), object())),
    ("path", vs.streaming.row_groups, (3, None, b"x", [], np.zeros(2), object())),
    ("path", lambda v: vs.report(est(), path=v), (3, None, b"x.html", [], np.zeros(2))),
    (
        "table",
        lambda v: vs.report(est(), table=v),
        (3, "abc", np.zeros(9), pd.DataFrame({"a": [1]})),
    ),
]
LARGE = 2**53
CASTS = {
    "integers that become ties": np.array([LARGE + 1, LARGE + 2, 5]),
    "integers beyond int64": np.array([2**63 + 1, 2**63 + 3, 1], dtype=object),
    "durations of several units": np.array(
        [np.timedelta64(1, "D"), np.timedelta64(2, "h"), np.timedelta64(5, "D")], dtype=object
    ),
    "durations": np.array([1, 2, 3], dtype="timedelta64[D]"),
    "bytes": np.array([b"1", b"2", b"3"], dtype=object),
    "a number beyond floats": np.array([10**400, 1, 2], dtype=object),
    "complex": np.array([1 + 1j, 2, 3]),
    "dates": pd.date_range("2026-01-01", periods=3),
}
DOMAINS = {
    "Logistic": (lambda y: LinearPredictor(rl.Logistic(), ONE, y), [-1, 1, 1, -1]),
    "Logistic, shares": (lambda y: LinearPredictor(rl.Logistic(), ONE, y), [0, 1, 1.5, 0]),
    "Binomial": (lambda y: LinearPredictor(rl.Binomial(Logit()), ONE, y), [3, -2, 0, 1]),
    "Poisson": (lambda y: LinearPredictor(rl.Poisson(), ONE, y), [-1, 1, 2, 1]),
    "PoissonGLM": (lambda y: LinearPredictor(rl.PoissonGLM(Log()), ONE, y), [1, 1, -2, 1]),
    "NB": (lambda y: LinearPredictor(rl.NegativeBinomialP(), (ONE, ONE), y), [0, 1, 2, -1]),
    "GP": (lambda y: LinearPredictor(rl.GeneralizedPoisson(), (ONE, ONE), y), [0, 1, 2, -1]),
    "Gamma": (lambda y: LinearPredictor(rl.Gamma(Log()), ONE, y), [0, 1, 1, 1]),
    "IG": (lambda y: LinearPredictor(rl.InverseGaussian(Log()), ONE, y), [-1, 1, 1, 1]),
    "Beta": (lambda y: LinearPredictor(rl.Beta(), (ONE, ONE), y), [0, 0.5, 0.5, 0.5]),
    "Multinomial": (lambda y: LinearPredictor(rl.Multinomial(), ONE, y), [0, 1, 7, 1]),
    "Multinomial, halves": (lambda y: LinearPredictor(rl.Multinomial(), ONE, y), [0, 1, 0.5, 1]),
    "Ordered": (lambda y: LinearPredictor(rl.Ordered(), (ONE, ONE), y), [0, 1, 2, 1]),
    "Tweedie": (lambda y: LinearPredictor(rl.Tweedie(Log(), 1.5), ONE, y), [-1, 1, 2, 1]),
    "Tweedie power": (lambda power: rl.Tweedie(Log(), power), 0.5),
    "NB alpha": (lambda alpha: rl.NegativeBinomial(Log(), alpha), 0),
    "Ordered word": (rl.Ordered, "Logit"),
    "ZeroInflated word": (lambda word: rl.ZeroInflated(rl.PoissonCount(), word), "foo"),
    "Robust scale": (lambda scale: rl.Robust(sm.robust.norms.HuberT(), scale), 0),
}


def refused(call, *arguments):
    """The message: rule, finding and remedy are words, not the words of another library."""
    with pytest.raises(vs.errors.VifError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert len(message.split()) >= 6, message
    return message


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("model", range(len(NO_MODEL)))
def test_what_is_no_model(verb, model):
    refused(VERBS[verb], NO_MODEL[model])


@pytest.mark.parametrize(
    ("name", "call", "value"),
    [(name, call, value) for name, call, values in OPTIONS for value in values],
    ids=[f"{k} {o[0]} {j}" for k, o in enumerate(OPTIONS) for j in range(len(o[2]))],
)
def test_options(name, call, value):
    refused(call, value)


@pytest.mark.parametrize("kind", CASTS)
@pytest.mark.parametrize("place", ["T", "X"])
def test_numbers_that_a_float_does_not_hold(kind, place):
    values = CASTS[kind]
    if place == "X" and kind == "a number beyond floats":
        return  # pandas has no such column: it raises before we see it
    if place == "T":
        refused(Cox, [[1.0], [2.0], [0.0]], values)
    else:
        refused(Cox, pd.DataFrame({"a": values}), [1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", DOMAINS)
def test_outcomes_outside_the_domain(name):
    call, value = DOMAINS[name]
    refused(call, value)


def test_supported_models_are_listed_without_those_that_are_refused():
    message = refused(vs.from_model, object())
    assert "OLS" in message and "CoxPHFitter" in message
    for name in ("GLSAR", "QuantReg", "Regularized", "Penalized", "_Gen"):
        assert name not in message


# Made by the package, never by a user: what they are asked is tested by their methods.
RESULTS = {
    *public_calls.TABLES,
    *("LossReport", "TargetReport", "Findings", "StreamedInfluence", "MultiLabel"),
} - {"Estimate"}
# Contracts: what a user writes, or what the package calls many times with what it has checked.
CONTRACTS = {
    *("losses.Loss", "losses.EstimatingEquations", "row_losses.RowLoss", "targets.Target"),
    *("solvers.Factor", "solvers.HessianProduct", "solvers.Solution", "solvers.Solver"),
}
# The numbers behind `report`, for those who write a page of their own.
OF_REPORT = {"as_text", "describe", "find", "fingerprint", "write_findings", "write_report"}
WITHOUT_ARGUMENTS = {
    *("targets.FixedEffects", "targets.LogRank", "targets.VarianceComponents"),
    *("solvers.LU", "targets.Concordance", "datasets.load_karate", "datasets.load_rossi"),
    *(f"row_losses.{name}" for name in ("Logistic", "Poisson", "PoissonCount", "SquaredError")),
}
# What is read of these is read in the test of its folder; JAX and PyTorch may not be installed.
ELSEWHERE = {
    "show_versions",  # stands below the errors, and hands its file to print
    "streaming.RowGroup",
    *(f"backends.{name}" for name in ("BackendLoss", "JaxLoss", "TorchLoss")),
}
# They need files that are not there.
NEED_FILES = [name for name in public_calls.ROWS_OF if name.startswith("datasets.load_")]


def public_names() -> set[str]:
    """Every public callable but errors, as the table calls it."""
    names = set()
    for module in public.MODULES:
        room = module.__name__.removeprefix("vifstats").removeprefix(".").split(".")[-1]
        if room in ("errors", "adapters"):
            continue
        prefix = "" if room in ("", "reporting") else f"{room}."
        found = {f"{prefix}{name}" for name in module.__all__ if callable(getattr(module, name))}
        names |= found
    return {name for name in names if name.split(".")[-1] not in RESULTS}


def test_every_public_callable_has_a_row():
    exempt = CONTRACTS | OF_REPORT | WITHOUT_ARGUMENTS | ELSEWHERE
    # losses are public under two names
    named = {name.removeprefix("losses.") for name in public_calls.ROWS_OF}
    missing = {
        name for name in public_names() - exempt if name.removeprefix("losses.") not in named
    }
    assert not missing, f"give them a row in tests/public_calls.py: {sorted(missing)}"


def test_every_result_has_rows_for_its_methods():
    for name in public_calls.TABLES:
        methods = {row.split(".")[1] for row in public_calls.ROWS_OF if row.startswith(f"{name}.")}
        kind = getattr(vs, name)
        own = {
            key
            for key, value in vars(kind).items()
            if not key.startswith("_") and inspect.isfunction(value) and arguments_of(value)
        }
        assert own - {"differences", "require_value", "called", "of_group"} <= methods, (
            name
        )  # not for users
        assert {"to_csv", "to_latex", "to_excel", "top"} <= methods, name


def arguments_of(function) -> list[str]:
    """Its arguments, without the object it is a method of."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("name", public_calls.ROWS_OF)
def test_every_argument_has_a_kind_and_right_ones_are_right(name, files):
    row = public_calls.ROWS_OF[name]
    kind, *method = name.split(".")[-2:]
    if kind in public_calls.TABLES and method:
        called = getattr(getattr(vs, kind), method[0])
    elif kind == "targets":
        called = getattr(vs.targets, method[0])
    else:
        called = row.call
    blocks = name in ("stack", "joint")
    missing = set(arguments_of(called)) - set(row.kinds) - {"options", "draw_options"}
    assert blocks or not missing, f"give {missing} a kind in tests/public_calls.py"
    if name not in (*NEED_FILES, "report"):  # which takes long, and has tests of its own
        row.call(**row.good())


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name, row in public_calls.ROWS_OF.items() for argument in row.kinds],
)
def test_wrong_arguments(name, argument, files):
    row = public_calls.ROWS_OF[name]
    for value in wrong_values.wrong(row.kinds[argument]):
        with pytest.raises(vs.errors.VifError) as caught:
            row.with_wrong(argument, value)
            pytest.fail(f"computed with {value!r:.60}")
        message = str(caught.value)
        assert len(message.split()) >= 6, message
        # the remedy is a clause, or a sentence, of its own
        assert ";" in message or ". " in message or "? " in message, message


@pytest.fixture(autouse=True)
def no_pictures_left():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files that right arguments name, in a folder of their own."""
    folder = tmp_path_factory.mktemp("files")
    public_calls.ROWS.to_parquet(folder / "rows.parquet")
    public_calls.ROWS.to_csv(folder / "t.csv")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)

"""A Cox model in chunks is the Cox model of all rows, wherever it is cut."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import CoxProblem, cox_gradient, gradient_scale
from strategies import cox_cases
from tolerances import CONVERGED_FIT, ROUNDING, relative_error

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.errors import (
    InvalidInputError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
    UnsupportedModelError,
    VifError,
)
from vifstats.losses import Cox
from vifstats.solvers import Cholesky
from vifstats.streaming.cox import Look, Stream
from vifstats.streaming.cox_rows import Columns
from vifstats.streaming.options import request_of
from vifstats.streaming.output import Reduction

NEXT_TO_NOTHING = 1e-200


def table_of(problem: CoxProblem, order: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame(problem.X, columns=[f"x{k}" for k in range(problem.n_params)])
    n = problem.n_rows
    for name, values, default in (
        ("stratum", problem.strata, np.zeros(n, dtype=int)),
        ("w", problem.weights, np.ones(n)),
        ("o", problem.offset, np.zeros(n)),
    ):
        table[name] = default if values is None else values
    table = table.assign(time=problem.time, event=problem.event).iloc[order]
    return table.sort_values(["stratum", "time"], kind="stable", ignore_index=True)


def cut(table: pd.DataFrame, at: list[int]) -> list[pd.DataFrame]:
    bounds = [0, *sorted(at), len(table)]
    return [table.iloc[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def looked(chunks, problem: CoxProblem, theta: np.ndarray, method: str) -> tuple[Look, np.ndarray]:
    """The first two passes; and the third with 1 for H: what each row adds to the gradient."""
    names = [f"x{k}" for k in range(problem.n_params)]
    n, one = sum(map(len, chunks)), np.eye(problem.n_params)
    request = request_of(names, method, None, (), None, n, names[0], False)
    columns = Columns(tuple(names), "time", "event", "w", "o", ("stratum",))
    # constant columns are refused without a penalty; one so small is not seen in any sum
    tiny = NEXT_TO_NOTHING * one
    penalty = tiny if problem.penalty is None else problem.penalty + tiny
    stream = Stream(chunks, columns, request, problem.ties == "efron", penalty, map)
    look = stream.look_at(theta)
    kept = look.rows(Reduction(request, theta, one, Cholesky().factor(one), 1.0, None))
    rows = pd.concat([some.top for some in kept]).sort_index()
    assert list(rows.index) == list(range(n))
    return look, -rows[names].to_numpy()


@settings(max_examples=30)
@given(st.data())
def test_wherever_it_is_cut_every_sum_is_that_of_all_rows(data):
    problem, theta = data.draw(cox_cases(entry=("none",), max_rows=25))
    n = problem.n_rows
    table = table_of(problem, np.array(data.draw(st.permutations(range(n)))))
    every = list(range(1, n))
    chunks = cut(table, data.draw(st.just(every) | st.lists(st.integers(0, n), max_size=n)))
    names = list(table.columns[: problem.n_params])
    loss = Cox(
        table[names],
        table["time"],
        table["event"],
        weights=table["w"],
        strata=table["stratum"],
        offset=table["o"],
        ties=problem.ties,
        penalty=problem.penalty,
    )
    unit = gradient_scale(problem) + NEXT_TO_NOTHING**0.5
    size = unit.max() * np.ptp(problem.X, axis=0).max() * problem.event.sum() + unit.max()
    for method, expected in (("vif", loss.gradient_differences), ("if", loss.weight_gradients)):
        look, D = looked(chunks, problem, theta, method)
        assert relative_error(D, expected(theta), unit) < ROUNDING
        gradient = loss.gradient(theta)[None]
        assert relative_error(look.gradient[None], gradient, unit * n) < ROUNDING
        assert relative_error(look.hessian, loss.hessian(theta), size) < ROUNDING


def heavy_case() -> tuple[CoxProblem, np.ndarray]:
    """Rows of 300 times the risk of others, who live long: visitors to many blocks before."""
    rng = np.random.default_rng(3)
    n = 160
    X = rng.normal(size=(n, 2))
    X[[60, 100, 158, 159], 0] += np.log([30.0, 300.0, 300.0, 1000.0])
    time = np.ceil(np.arange(n) / 2) + 1
    return CoxProblem(X, time, rng.random(n) < 0.7), np.array([1.0, 0.3])


@pytest.mark.parametrize("size", [1, 7, 50, 90])
def test_heavy_rows_are_taken_one_by_one(size):
    problem, theta = heavy_case()
    table = table_of(problem, np.arange(problem.n_rows))
    chunks = cut(table, list(range(size, len(table), size)))
    look, D = looked(chunks, problem, theta, "vif")
    blocks = [block for task in look.tasks for block in task.blocks]
    assert max(len(block.link.visitors) for block in blocks) >= 2
    loss = Cox(problem.X, problem.time, problem.event)
    assert relative_error(D, loss.gradient_differences(theta)) < ROUNDING


def test_rows_written_are_those_in_memory(tmp_path):
    rossi = load_rossi().sort_values("week", ignore_index=True)
    names = [name for name in rossi if name not in ("week", "arrest")]
    est = vs.minimize(Cox(rossi[names], rossi["week"], rossi["arrest"]), np.zeros(len(names)))
    rossi["id"] = [f"man {k}" for k in rossi.index]
    expected = vs.vif(est)
    found = vs.streaming.cox(
        est.params,
        cut(rossi, [100, 101, 300]),
        time="week",
        event="arrest",
        to=tmp_path / "out",
        keep=["id"],
        top=5,
        robust=True,
    )
    written = pd.read_parquet(found.path)
    assert list(written.columns) == [*names, "id"]
    assert written["id"].to_list() == rossi["id"].to_list()
    assert relative_error(written[names], expected.values) < ROUNDING
    top = expected.top(5)
    assert list(found.top.index) == list(top.index)
    assert list(found.top["id"]) == [f"man {k}" for k in top.index]
    assert relative_error(found.top["cooks_distance"], top["cooks_distance"]) < ROUNDING
    for kind in ("naive", "robust"):
        assert relative_error(found.cov_params(kind), expected.cov_params(kind)) < ROUNDING
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    return table.assign(time=np.repeat(np.arange(20.0), 3), event=rng.random(60) < 0.6)


@pytest.fixture(scope="module")
def fit(rows) -> vs.Estimate:
    return vs.minimize(Cox(rows[["a", "b"]], rows["time"], rows["event"]), [0.0, 0.0])


def stream(fit, chunks, **options) -> vs.streaming.StreamedInfluence:
    return vs.streaming.cox(fit.params, chunks, time="time", event="event", **options)


def test_targets_are_written_instead_of_parameters(fit, rows, tmp_path):
    expected = vs.vif(fit)
    weights = pd.DataFrame([[1.0, -1.0], [0.0, 2.0]], columns=["a", "b"], index=["a - b", "2 b"])
    found = stream(
        fit, cut(rows, [20]), target=weights, to=tmp_path / "out", top=3, by="target 2 b"
    )
    written = pd.read_parquet(found.path)
    assert list(written.columns) == ["target a - b", "target 2 b"]
    assert relative_error(written, expected.values @ weights.to_numpy().T) < ROUNDING
    assert list(found.top.index) == list(expected.top(3, by="b").index)
    risk = vs.targets.RelativeRisk([[1.0, 2.0]])
    found = stream(fit, cut(rows, [20]), target=risk, top=60, by="relative risk")
    change = expected.on(risk).influence
    assert relative_error(found.top.sort_index()[["relative risk"]], change) < ROUNDING


def test_newton_steps_lead_to_the_minimum(fit, rows):
    chunks = cut(rows, [7, 30])
    with pytest.raises(NotAtMinimumError, match="standard errors away"):
        vs.streaming.cox(
            [0.0, 0.5], chunks, time="time", event="event", columns=["a", "b"], newton_steps=0
        )
    for steps in (6, None):
        found = vs.streaming.cox(
            [0.0, 0.0], chunks, time="time", event="event", columns=["a", "b"], newton_steps=steps
        )
        assert found.theta == pytest.approx(fit.theta)
        assert np.abs(found.gradient).max() < 1e-10
        assert "gradient and Hessian" in repr(found) and "Newton steps" in repr(found)


def test_a_theta_at_the_minimum_is_left_as_it_is(fit, rows):
    near = fit.theta + 1e-4 * fit.naive_errors
    found = vs.streaming.cox(
        near, cut(rows, [7, 30]), time="time", event="event", columns=["a", "b"]
    )
    assert np.array_equal(found.theta, near) and found.steps == 0


HARD_STARTS = [[4.0, 9.0], [-30.0, 30.0], [0.0, 20.0]]


@pytest.mark.parametrize("start", HARD_STARTS)
def test_steps_that_undamped_leave_the_range_of_numbers(start):
    rng, n = np.random.default_rng(0), 300
    X = rng.normal(size=(n, 2)) * [3.0, 1.0]
    table = pd.DataFrame(X, columns=["a", "b"]).assign(
        time=np.ceil(rng.exponential(np.exp(-X[:, 0])) * 20) / 20,
        event=(rng.random(n) < 0.15).astype(int),
    )
    table["w"] = np.where(table["event"] == 1, 1.0, np.where(rng.random(n) < 0.1, 30.0, 1.0))
    table = table.sort_values("time", kind="stable")
    memory = vs.minimize(
        Cox(table[["a", "b"]], table["time"], table["event"], weights=table["w"]), [0.0, 0.0]
    )
    found = vs.streaming.cox(
        start,
        [table[:100], table[100:130], table[130:]],
        time="time",
        event="event",
        weights="w",
        columns=["a", "b"],
    )
    assert np.abs(found.theta - memory.theta).max() < CONVERGED_FIT
    look = found.gradient @ np.linalg.solve(found.hessian, found.gradient)
    assert look < CONVERGED_FIT**2


@pytest.mark.parametrize("tol", [np.nan, -1.0, 0.0, "small", None])
def test_a_tolerance_is_a_number_above_0(tol, fit, rows):
    with pytest.raises(VifError, match="`tol` must be"):
        vs.streaming.cox(
            [3.0, 0.0], [rows], time="time", event="event", columns=["a", "b"], tol=tol
        )


def test_few_passes_are_few(rows):
    read = Counter()

    def reader(k, table):
        def read_it():
            read[k] += 1
            return table

        return read_it

    chunks = [reader(k, table) for k, table in enumerate(cut(rows, [15, 33]))]
    options = {"time": "time", "event": "event", "columns": ["a", "b"], "tol": np.inf}
    vs.streaming.cox([0.0, 0.0], chunks, **options)
    assert read == {0: 2, 1: 2, 2: 2}
    read.clear()
    vs.streaming.cox([0.0, 0.0], chunks, **options, top=1)
    assert read == {0: 3, 1: 3, 2: 3}


def test_entry_is_refused(fit, rows):
    with pytest.raises(UnsupportedModelError, match="entry"):
        stream(fit, [rows], entry="start")


def test_a_constant_column_is_named(rows):
    with pytest.raises(NotPositiveDefiniteError, match="'b'"):
        vs.streaming.cox(
            [0.0, 0.0],
            cut(rows.assign(b=0.1), [1, 2, 30]),
            time="time",
            event="event",
            columns=["a", "b"],
        )


def test_no_event_is_an_error(fit, rows):
    with pytest.raises(InvalidInputError, match="at least one event"):
        stream(fit, cut(rows.assign(event=0), [30]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "c"}, "`by` must be one of"),
        ({"method": "newton"}, "`method` must be one of"),
        ({"keep": ["a"]}, "occur twice"),
        ({"target": vs.targets.SurvivalProbability([0.0, 0.0], 3.0)}, "parameters alone"),
        ({"to": "."}, "must be a new folder"),
        ({"to": f"{__file__}/rows"}, "must be a folder"),
    ],
)
def test_what_is_asked_is_checked_before_rows_are_read(fit, options, message):
    def never_read():
        raise AssertionError("a chunk was read")

    with pytest.raises(InvalidInputError, match=message):
        stream(fit, [never_read], **options)


def test_a_covariance_that_was_not_summed_is_not_made_up(fit, rows):
    with pytest.raises(InvalidInputError, match="robust=True"):
        stream(fit, [rows]).cov_params("robust")


def test_the_gradient_of_the_reference_is_the_sum_of_chunks():
    problem, theta = heavy_case()
    table = table_of(problem, np.arange(problem.n_rows))
    look, _ = looked(cut(table, [33, 34, 100]), problem, theta, "if")
    assert relative_error(look.gradient[None], cox_gradient(problem, theta)[None]) < ROUNDING


def test_a_bar_counts_the_chunks_of_each_pass(capsys):
    rows = pd.DataFrame({"t": [1.0, 2.0, 3.0, 4.0], "x": [0.0, 1.0, 0.0, 1.0]})
    chunks = [rows[:2], rows[2:]]
    shown = vs.streaming.cox([0.0], chunks, time="t", columns=["x"], top=4, progress=True)
    assert "chunks: 100%" in (bar := capsys.readouterr().err) and "2/2" in bar
    quiet = vs.streaming.cox([0.0], chunks, time="t", columns=["x"], top=4)
    assert capsys.readouterr().err == ""
    pd.testing.assert_frame_equal(shown.top, quiet.top)

"""Influence: what can be read off a result."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from cases import BY_NAME, CASES
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.deletion.result import _of_no_row
from vifstats.errors import InvalidInputError

CASE = BY_NAME["cox efron ties"]


@pytest.fixture
def vif() -> vs.Influence:
    return vs.vif(CASE.estimate())


def test_one_sign_for_everything(vif):
    full, without = vif.params.to_numpy(), vif.params_without.to_numpy()
    assert full - without == pytest.approx(vif.values)
    assert vif.dfbeta.to_numpy() is vif.values or (vif.dfbeta.to_numpy() == vif.values).all()
    assert "full data minus without" in repr(vif)
    assert "not the variance inflation factor" in repr(vif)


def test_dfbetas_are_in_naive_standard_errors(vif):
    assert vif.dfbetas.to_numpy() == pytest.approx(vif.values / vif.estimate.standard_errors)


def test_likelihood_displacement_is_about_twice_the_fall_of_the_likelihood():
    est = CASE.estimate()
    exact = vs.leave_one_out(est)
    everyone, here = est.loss.everyone(), est.loss.value(est.theta, est.loss.everyone())
    fall = [2 * (est.loss.value(t, everyone) - here) for t in exact.params_without.to_numpy()]
    ld = exact.likelihood_displacement
    assert np.corrcoef(ld, fall)[0, 1] > 0.999
    assert ld.to_numpy() == pytest.approx(np.array(fall), rel=0.2, abs=1e-4)
    H = est.hessian
    assert ld.iloc[0] == pytest.approx(exact.values[0] @ H @ exact.values[0])
    assert (exact.cooks_distance == ld / 2).all()


def test_lmax_is_the_first_eigenvector(vif):
    B = vif.values
    _, V = np.linalg.eigh(B @ vif.estimate.hessian @ B.T)
    assert vif.lmax.to_numpy() == pytest.approx(np.abs(V[:, -1]), abs=1e-8)


def test_robust_covariance_of_least_squares_is_hc0():
    est = BY_NAME["least squares"].estimate()
    X, y = est.loss.data
    residual = y - X @ est.theta
    bread = np.linalg.inv(X.T @ X)
    expected = bread @ (X.T * residual**2) @ X @ bread
    for method in (vs.vif, vs.leave_one_out):
        assert relative_error(method(est).cov_params("robust"), expected) < ROUNDING
    groups = np.arange(len(y)) // 4
    scores = pd.DataFrame(X * residual[:, None]).groupby(groups).sum().to_numpy()
    clustered = vs.vif(est).cov_params("robust", groups=groups)
    assert relative_error(clustered, bread @ scores.T @ scores @ bread) < ROUNDING


def test_naive_and_jackknife_covariance(vif):
    assert relative_error(vif.cov_params(), np.linalg.inv(vif.estimate.hessian)) < ROUNDING
    assert relative_error(vif.cov_params("jackknife"), vif.values.T @ vif.values) < ROUNDING
    assert list(vif.cov_params().columns) == ["age", "dose"]
    with pytest.raises(InvalidInputError, match="`kind` must be"):
        vif.cov_params("hc3")
    for kind in ("naive", "jackknife", "bootstrap"):
        with pytest.raises(InvalidInputError, match=f"'{kind}'; leave them out"):
            vif.cov_params(kind, groups=np.arange(40))
    with pytest.raises(
        InvalidInputError, match="`kind` must be one of 'naive', 'robust', 'CR3', 'HC3', but"
    ):
        vif.estimate.cov_params("jackknife")


def test_the_bootstrap_covariance_is_that_of_all_resamples():
    X = np.array([[1.0, 0.2], [1.0, -1.0], [1.0, 2.0], [1.0, 0.1], [1.0, 0.7]])
    loss = vs.losses.LinearPredictor(vs.losses.row_losses.Poisson(), X, [1.0, 0.0, 3.0, 1.0, 2.0])
    inf = vs.vif(vs.minimize(loss, [0.0, 0.0]))
    times_drawn = [np.bincount(rows, minlength=5) for rows in product(range(5), repeat=5)]
    moves = (np.array(times_drawn) - 1.0) @ inf.values
    assert relative_error(inf.cov_params("bootstrap"), np.cov(moves.T, bias=True)) < ROUNDING


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_robust_covariance_is_the_sum_of_the_classical_influences(case):
    est = case.estimate()
    if not est.loss.fractional:
        with pytest.raises(InvalidInputError, match="classical influence function"):
            est.cov_params("robust")
        return
    names = list(est.names)
    for groups in (None, np.arange(len(est.labels)) % 7):
        rows = vs.classical_if(est, groups=groups).values
        found = est.cov_params("robust", groups=groups)
        np.testing.assert_array_equal(found, rows.T @ rows)
        assert list(found.index) == list(found.columns) == names


def test_top_is_sorted_by_size_and_keeps_labels(vif):
    by_dose = vif.top(5, by="dose")
    assert by_dose["dose"].abs().is_monotonic_decreasing and len(by_dose) == 5
    assert by_dose["dose"].abs().min() >= vif.dfbeta["dose"].abs().drop(by_dose.index).max()
    assert vif.top(3)["cooks_distance"].is_monotonic_decreasing
    with pytest.raises(InvalidInputError, match="'age', 'dose'"):
        vif.top(by="weight")
    with pytest.raises(InvalidInputError, match="`n` must be 0 or more"):
        vif.top(-1)


def test_tables(vif, tmp_path):
    assert list(vif.summary_frame()) == ["dfb_age", "dfb_dose", "cooks_d", "exact", "status"]
    assert list(vif.to_frame()) == ["age", "dose", "cooks_distance", "exact", "status"]
    vif.to_csv(tmp_path / "influence.csv")
    back = pd.read_csv(tmp_path / "influence.csv", index_col=0, float_precision="round_trip")
    assert (back["dose"].to_numpy() == vif.dfbeta["dose"].to_numpy()).all()


def test_no_parameter_loses_its_column(vif):
    named = replace(
        vif, estimate=vs.Estimate(CASE.loss(), vif.estimate.theta, names=["status", "b"])
    )
    for table in (named.to_frame, named.top):
        with pytest.raises(InvalidInputError, match=r"\['status'\].*`dfbeta`"):
            table()
    assert list(named.dfbeta) == ["status", "b"]


def test_status_by_reason(vif):
    values = vif.values.copy()
    values[0], values[1], values[2, 0] = 0.0, np.nan, np.nan
    failed = np.arange(CASE.n) == 1
    changed = replace(vif, values=values, failed=failed)
    assert changed.status.tolist()[:4] == ["no influence", "did not converge", "owned", "ok"]
    assert np.isnan(changed.likelihood_displacement.iloc[1])
    assert changed.top(CASE.n).index[-1] == vif.index[1]


def test_owned_parameters_say_so():
    result = vs.vif(BY_NAME["random effects"].estimate())
    assert (result.status == "owned").all()
    assert np.isnan(result.values).sum() == len(result.status)


def test_repeated_labels_are_fine():
    est = CASE.estimate()
    repeated = vs.vif(vs.Estimate(CASE.loss(labels=np.arange(CASE.n) % 3), est.theta))
    assert len(repeated.top(7)) == 7 and len(repeated.status) == CASE.n
    assert repeated.to_frame().shape[0] == CASE.n


@dataclass(frozen=True, eq=False)
class Marked(vs.Influence):
    """A result that says one more thing of each row."""

    doubtful: np.ndarray = field(default_factory=_of_no_row)


def test_every_flag_goes_with_its_row(vif):
    n, rows = CASE.n, np.array([5, 0, 9])
    flags = [each.name for each in fields(Marked) if each.default_factory is _of_no_row]
    assert set(flags) == {"exact", "failed", "indefinite", "guarded", "outside", "doubtful"}
    of_vif = (vif.estimate, "vif", vif.values, vif.removals)
    for k, name in enumerate(flags):
        every_third = np.arange(n) % 3 == k % 3
        marked = Marked(*of_vif, **{name: every_third})
        some = marked.take(rows)
        np.testing.assert_array_equal(getattr(some, name), every_third[rows])
        assert list(some.index) == list(vif.index[rows])
        np.testing.assert_array_equal(some.values, vif.values[rows])
        put_back = Marked(*of_vif).with_rows(rows, some)
        expected = np.isin(np.arange(n), rows) & every_third
        np.testing.assert_array_equal(getattr(put_back, name), expected)
        taken_away = marked.with_rows(rows, Marked(*of_vif).take(rows))
        np.testing.assert_array_equal(
            getattr(taken_away, name), every_third & ~np.isin(np.arange(n), rows)
        )

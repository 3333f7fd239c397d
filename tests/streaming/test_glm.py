"""A generalised linear model in chunks is that of all rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.losses import LinearPredictor
from vifstats.losses.row_losses import Beta, Logistic, Poisson

N = 60


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.normal(size=(N, 2)), columns=["a", "b"])
    mean = np.exp(0.3 * table["a"])
    return table.assign(
        count=rng.poisson(mean).astype(float),
        yes=(rng.random(N) < 0.5).astype(float),
        share=rng.beta(2, 3, N),
        w=rng.uniform(0.5, 2, N),
        o=rng.normal(size=N) / 10,
    )


def cut(table: pd.DataFrame, at: list[int]) -> list[pd.DataFrame]:
    bounds = [0, *sorted(at), len(table)]
    return [table.iloc[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True) if a < b]


@settings(max_examples=10)
@given(at=st.lists(st.integers(0, N), max_size=N))
@pytest.mark.parametrize(("row_loss", "y"), [(Poisson(), "count"), (Logistic(), "yes")])
def test_wherever_it_is_cut_the_influence_is_that_of_all_rows(rows, row_loss, y, at):
    loss = LinearPredictor(
        row_loss, rows[["a", "b"]], rows[y], weights=rows["w"], offset=rows["o"], penalty=0.1
    )
    est = vs.minimize(loss, [0.0, 0.0])
    found = vs.streaming.glm(
        row_loss,
        est.params,
        cut(rows, at),
        y=y,
        weights="w",
        offset="o",
        penalty=0.1,
        top=N,
        robust=True,
    )
    expected = vs.vif(est)
    assert relative_error(found.top.sort_index()[["a", "b"]], expected.values) < ROUNDING
    assert relative_error(found.robust, expected.cov_params("robust")) < ROUNDING
    assert relative_error(found.covariance, est.covariance) < ROUNDING


def test_several_predictors_each_with_a_constant(rows, tmp_path):
    designs = (rows[["a"]].assign(const=1.0)[["const", "a"]], rows[[]].assign(const=1.0))
    est = vs.minimize(LinearPredictor(Beta(), designs, rows["share"]), [0.0, 0.0, 1.0])
    found = vs.streaming.glm(
        Beta(),
        est.theta,
        cut(rows, [7, 30]),
        y="share",
        columns=(["a"], []),
        constant=True,
        keep=["b"],
        to=tmp_path / "out",
    )
    assert found.names == est.names
    written = pd.read_parquet(found.path)
    assert relative_error(written[list(est.names)], vs.vif(est).values) < ROUNDING
    assert written["b"].equals(rows["b"])


def test_dispersion_scales_covariance_and_distance(rows):
    est = vs.minimize(LinearPredictor(Poisson(), rows[["a"]], rows["count"]), [0.0])
    one, four = (
        vs.streaming.glm(Poisson(), est.params, [rows], y="count", top=3, dispersion=phi)
        for phi in (1.0, 4.0)
    )
    assert four.covariance == pytest.approx(4 * one.covariance)
    assert four.top["cooks_distance"].to_numpy() * 4 == pytest.approx(
        one.top["cooks_distance"].to_numpy()
    )


def test_a_bad_row_is_named_with_its_chunk(rows):
    bad = rows.assign(count=rows["count"].where(rows.index != 40))
    with pytest.raises(InvalidInputError, match="In chunk 2: `y` must be finite, but row"):
        vs.streaming.glm(Poisson(), [0.0], cut(bad, [20, 40]), y="count", columns=["a"])

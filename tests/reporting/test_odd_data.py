"""Reports of small, large and odd data: a page, or a word on why there is none."""

import numpy as np
import pandas as pd
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.reporting import describe, find
from vifstats.reporting.page import render


def cox(n=80, p=2, seed=0, **options):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, p)), columns=[f"x{j}" for j in range(p)])
    loss = vs.losses.Cox(X, rng.exponential(size=n), rng.random(n) < 0.7, **options)
    return vs.minimize(loss, np.zeros(p))


def test_ten_rows(unwritten):
    assert "10 rows" in render(describe(cox(10, 1)))


def test_sixty_covariates_are_cut_with_the_count_said(sixty_covariates):
    page = render(sixty_covariates)
    assert "The 12 of 60 coefficients" in page
    assert "the first 8 of 60" in page
    assert "the 40 of 60 that move most" in page


def test_groups_of_one_kind_cannot_be_removed():
    est = cox(20)
    with pytest.raises(InvalidInputError, match="one group is everything"):
        describe(vs.vif(est, groups=["all"] * 20))


def test_two_groups_are_enough(no_pictures):
    groups = np.repeat([0, 1], 40)
    found = describe(vs.vif(cox(), groups=groups))
    assert found["groups"]["n_groups"] == 2


def test_no_event_is_left_without_one_row(unwritten):
    X, T, E = [[0.0], [1.0], [0.3], [0.6]], [4, 1, 2, 3], [0, 0, 1, 0]
    est = vs.minimize(vs.losses.Cox(X, T, E, penalty=0.5), [0.0])
    found = describe(est)
    without = next(item for item in found["rows"]["items"] if item["event"])
    assert without["without"]["x0"] == pytest.approx(1.0)  # the penalty alone is left
    assert "with 1 event and" in render(found)


def test_separation_without_a_row_is_told(no_pictures):
    rng = np.random.default_rng(2)
    rare = np.zeros(60)
    rare[[4, 9]] = 1.0
    event = np.ones(60, dtype=bool)
    event[9] = False
    X = pd.DataFrame({"x": rng.normal(size=60), "rare": rare})
    loss = vs.losses.Cox(X, rng.exponential(size=60), event)
    found = describe(vs.minimize(loss, [0.0, 0.0]), seconds=1.0)
    (alert,) = [a for a in found["alerts"] if a["kind"] in ("separation", "did not converge")]
    assert alert["rows"] == ["4"]
    first, second = found["headline"][:2]
    assert first.startswith("Without row 4, the hazard ratio of rare cannot be estimated: it is 0")
    assert second.startswith("Among the other rows, the largest change from leaving out one row")


def test_an_infinite_fit_has_no_picture_of_distances(unwritten):
    """They are measured by its Hessian, which says nothing along the covariate that separates."""
    treated, T = np.arange(30) % 7 == 3, np.arange(1.0, 31.0)
    X = np.column_stack([treated, np.sin(T)])
    pictures = [
        describe(vs.Estimate(vs.losses.Cox(X, T, event), theta, tol=np.inf), seconds=0.1)["figures"]
        for event, theta in ((~treated, [-12.0, 0.0]), (T > 2, [0.0, 0.0]))
    ]
    assert ["influence" in each for each in pictures] == [False, True]


def test_separation_with_all_rows_is_told_first(no_pictures):
    """Treated are those with an event, and one who is censored last: nobody's removal undoes it."""
    rng = np.random.default_rng(3)
    event = np.arange(60) % 3 > 0
    treated = event | (np.arange(60) == 59)
    X = pd.DataFrame({"treated": treated.astype(float), "age": rng.normal(size=60)})
    loss = vs.losses.Cox(X, np.arange(1.0, 61.0), event)
    found = describe(vs.Estimate(loss, [18.0, 0.1], tol=np.inf))
    assert found["alerts"][0]["kind"] == "separated"
    assert "separation" not in [alert["kind"] for alert in found["alerts"]]
    assert "of treated is infinite (separation)" in found["alerts"][0]["sentence"]
    assert found["sets"] is None and found["accuracy"]["figures"] == []


def test_few_events_are_told(no_pictures):
    found = describe(cox(30, 4))
    assert "few events" in [alert["kind"] for alert in found["alerts"]]


@pytest.mark.parametrize(
    "labels",
    [
        [0] * 40,
        pd.date_range("2020", periods=40),
        pd.MultiIndex.from_product([range(8), list("abcde")]),
    ],
    ids=["twice", "dates", "levels"],
)
def test_labels_may_be_anything(labels):
    est = cox(40, 1)  # one covariate has half of the pictures, and each picture the labels
    found = describe(vs.Estimate(est.loss, est.theta, labels=labels), seconds=0.5)
    assert "(np." not in render(found)


def test_without_top_rows_there_is_still_a_page(unwritten):
    found = describe(find(cox(40), top=0), seconds=0.5)
    assert found["rows"]["items"] == []
    assert "The most influential" not in render(found)


def test_parameters_that_vanish_with_an_item_are_told(unwritten):
    loss = vs.losses.BradleyTerry(list("aabbccdd"), list("bbacadab"), ridge=0.1)
    found = describe(vs.minimize(loss, np.zeros(4)), unit="item")
    assert [a["n"] for a in found["alerts"] if a["kind"] == "owned"] == [4]
    assert "Range of each parameter" in render(found)

"""The paragraph for a methods section, and the contents of the page: both follow the document."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.reporting import describe, find
from vifstats.reporting.page import render

RNG = np.random.default_rng(8)
X = sm.add_constant(pd.DataFrame(RNG.normal(size=(40, 2)), columns=["dose", "age"]))


def line(n):
    fit = sm.OLS(1 + X["dose"][:n] + RNG.normal(size=n), X[:n]).fit()
    return find(vs.vif(vs.from_model(fit)), top=2, seconds=1.0)


@pytest.fixture(scope="module")
def document():
    return describe(line(40), unit="day", seconds=0.0)


def test_the_paragraph_says_what_was_done(document):
    text = document["method"]["paragraph"]
    about = document["overview"]
    assert f"each day on a linear regression ({about['n_rows']} rows, 3 parameters)" in text
    assert f"vifstats {document['method']['versions']['vifstats']}" in text
    assert "naive standard errors and the t distribution" in text
    done = "leaving it out" if about["all_exact"] else "Versatile Influence Function"
    assert done in text


def test_contents_lead_to_every_section_that_is_there(document):
    page = render(document)
    nav = re.search(r"(?s)<nav.*?</nav>", page)[0]
    targets = re.findall(r'href="#(\w+)"', nav)
    assert targets == re.findall(r'<h2 id="(\w+)"', page)


def test_the_date_is_in_the_numbers_and_on_the_page(document):
    date = document["method"]["date"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date) and date in render(document)

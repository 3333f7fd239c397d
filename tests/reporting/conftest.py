"""One report of rossi for all tests of what a page says."""

import pandas as pd
import pytest
from lifelines import CoxPHFitter

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting import describe


@pytest.fixture(scope="session")
def estimate():
    """Rossi, its men called by a name that no number can be taken for."""
    rossi = load_rossi().set_index(pd.Index([f"m{i:03d}x" for i in range(432)]))
    fit = CoxPHFitter().fit(rossi, "week", "arrest")
    return vs.from_model(fit, rossi)


@pytest.fixture(scope="session")
def document(estimate):
    return describe(estimate, unit="man", seconds=6.0, command="vifstats cox")


@pytest.fixture(scope="session")
def private(estimate):
    return describe(estimate, unit="man", seconds=3.0, rows=False)


@pytest.fixture
def no_pictures(monkeypatch):
    """For tests of numbers: pictures are what takes the time."""
    monkeypatch.setattr("vifstats.reporting.assemble.figures", lambda *args: {})

"""What tests of the command share."""

import pytest


@pytest.fixture
def without_pictures(monkeypatch):
    """Most of the time of a page goes into its pictures, which tests of tables do not look at."""
    monkeypatch.setattr("vifstats.plots.as_svg", lambda draw, **options: "<svg></svg>")

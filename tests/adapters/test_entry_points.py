"""Another package brings adapters for its own fits: `brought` is what pip would have installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidTypeError, NotAtMinimumError, UnsupportedModelError

Y = np.array([1.0, 3.0, 8.0, 4.0])


@pytest.fixture
def smoothers(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent / "brought")
    return import_module("smoothers")


@pytest.mark.parametrize("name", ["Fitted", "FittedAgain"])
def test_its_fit_is_an_estimate(smoothers, name):
    fit = getattr(smoothers, name)(Y, 2.0)
    est = vs.from_model(fit, Y)
    assert est.names == ("mean",)
    without = np.array([getattr(smoothers, name)(np.delete(Y, i), 2.0).mean_ for i in range(4)])
    assert vs.leave_one_out(est).values.ravel() == pytest.approx(fit.mean_ - without)


def test_options_are_handed_on_and_the_minimum_is_checked(smoothers):
    fit = smoothers.Fitted(Y, 2.0)
    fit.mean_ += 1.0
    with pytest.raises(NotAtMinimumError):
        vs.from_model(fit, Y)
    assert vs.from_model(fit, Y, tol=np.inf).theta == pytest.approx([fit.mean_])


def test_what_is_no_estimate_is_refused(smoothers):
    with pytest.raises(InvalidTypeError, match="smoothers brings for smoothers.Odd.*float64"):
        vs.from_model(smoothers.Odd(Y, 1.0), Y)


def test_without_the_package_the_fit_is_unknown():
    class Fitted:
        pass

    with pytest.raises(UnsupportedModelError, match="Fitted"):
        vs.from_model(Fitted(), Y)

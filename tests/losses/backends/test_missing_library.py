"""A loss in a library that is not installed says how to install it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidTypeError


@pytest.mark.parametrize(
    ("library", "make", "called"),
    [("jax", vs.backends.JaxLoss, "JAX"), ("torch", vs.backends.TorchLoss, "PyTorch")],
)
def test_the_error_has_rule_finding_and_remedy(library, make, called, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    words = f"A {make.__name__} needs {called}, which is not installed; .*vifstats\\[{library}\\]"
    with pytest.raises(InvalidTypeError, match=words):
        make(lambda theta, b: (b * theta[0]).sum(), 3, np.zeros(1))


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_nothing_else_needs_it(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    est = vs.minimize(vs.losses.Cox([[0.0], [1.0], [0.5]], [2.0, 3.0, 1.0]), [0.0])
    assert np.isfinite(vs.vif(vs.proximal(est.loss, est.theta, 1.0)).values).all()

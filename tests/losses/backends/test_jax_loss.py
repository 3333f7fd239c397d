"""Pytrees, devices and settings of JAX."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from networks import arrays
from numpy.testing import assert_array_equal

import vifstats as vs
from vifstats.errors import InvalidInputError

jax = pytest.importorskip("jax", reason="JAX is an extra")


@pytest.fixture(autouse=True)
def in_float64():
    arrays("jax")


Y = np.array([1.0, 3.0, 5.0, 8.0])


def squares(theta, b):
    return 0.5 * (b * (Y - theta["mean"]) ** 2).sum()


def residuals(y, theta):
    return theta["mean"] - y


def half_squares(r, b):
    return 0.5 * (b * r**2).sum()


def test_names_are_paths_in_the_tree():
    theta = {"layers": [{"W": np.zeros((1, 2))}, np.zeros(())], "bias": np.zeros(1)}
    loss = vs.backends.JaxLoss(
        lambda t, b: (b * (t["layers"][0]["W"].sum() - Y) ** 2).sum() + t["layers"][1], 4, theta
    )
    assert loss.names == ("bias[0]", "layers.0.W[0, 0]", "layers.0.W[0, 1]", "layers.1")
    back = loss.unflatten(np.arange(4.0))
    assert_array_equal(back["layers"][0]["W"], [[1.0, 2.0]])
    assert back["layers"][1] == 3.0 and back["bias"][0] == 0.0
    named = vs.backends.JaxLoss(
        squares, 4, {"mean": np.zeros(())}, names=["m"], labels=list("abcd")
    )
    assert named.names == ("m",) and list(named.labels) == list("abcd")


def test_what_is_no_array_is_refused():
    with pytest.raises(InvalidInputError, match="holds str"):
        vs.backends.JaxLoss(squares, 4, {"mean": np.zeros(()), "activation": "tanh"})
    with pytest.raises(InvalidInputError, match="at least one parameter"):
        vs.backends.JaxLoss(squares, 4, {})


def test_float64_is_asked_for():
    with jax.enable_x64(False), pytest.raises(InvalidInputError, match="jax_enable_x64 is off"):
        vs.backends.JaxLoss(squares, 4, {"mean": np.zeros(())})


def test_computes_in_float64_where_a_worker_process_has_not_set_it():
    loss = vs.backends.JaxLoss(squares, 4, {"mean": np.array(1 / 3)})
    expected = 4 / 3 - Y.sum()
    with jax.enable_x64(False):
        assert loss.gradient(loss.theta)[0] == pytest.approx(expected, rel=1e-15)


def test_pickles_where_its_functions_do():
    loss = vs.backends.JaxLoss(
        half_squares, 4, {"mean": jax.numpy.zeros(())}, outputs=partial(residuals, Y), penalty=1.0
    )
    est = vs.minimize(loss, loss.theta)
    copy = pickle.loads(pickle.dumps(est))
    assert_array_equal(vs.vif(copy).values, vs.vif(est).values)
    held = pickle.loads(pickle.dumps(vs.proximal(loss, loss.theta, 1.0)))
    assert np.isfinite(vs.vif(held).values).all()
    local = vs.backends.JaxLoss(lambda t, b: squares(t, b), 4, {"mean": np.zeros(())})
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(local)


def test_stays_on_the_device_of_its_parameters():
    device = jax.devices()[-1]
    theta = {"mean": jax.device_put(np.zeros(()), device)}
    loss = vs.backends.JaxLoss(squares, 4, theta)
    assert loss.unflatten(loss.theta)["mean"].devices() == {device}

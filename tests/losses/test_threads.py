"""Several threads at one loss, each at its own theta: what is kept of the last is nobody else's."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import BY_NAME
from numpy.testing import assert_array_equal

import vifstats as vs
from vifstats.losses.row_losses import Logistic

RNG = np.random.default_rng(8)
X = RNG.normal(size=(40, 2))


def matched():
    case, sets = np.tile([1, 0, 0, 0], 10), np.repeat(np.arange(10), 4)
    return vs.losses.ConditionalLogistic(X, case, sets)


def cox():
    return vs.losses.Cox(X, RNG.exponential(size=40))


def logit():
    return vs.losses.LinearPredictor(Logistic(), X, RNG.random(40) < 0.5)


def looked_at(loss, theta):
    return loss.gradient(theta), loss.hessian(theta), loss.third_derivatives(theta)


@pytest.fixture
def quick_turns():
    """Threads that take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


# Kernels without autograd, which is for one thread.
@pytest.mark.parametrize("make", [cox, matched, logit])
@pytest.mark.usefixtures("quick_turns")
def test_each_thread_gets_its_own(make):
    loss = make()
    thetas = [np.full(loss.n_params, 0.1 * k) for k in range(4)]
    right = [looked_at(loss, theta) for theta in thetas]

    def many(k):
        for _ in range(50):
            for got, expected in zip(looked_at(loss, thetas[k]), right[k], strict=True):
                assert_array_equal(got, expected)

    with ThreadPoolExecutor(len(thetas)) as pool:
        list(pool.map(many, range(len(thetas))))


def embedding():
    return BY_NAME["node embedding"].loss()


@pytest.mark.parametrize("make", [cox, matched, embedding])
def test_what_another_keeps_in_between_is_not_taken(make):
    """As without a lock of the interpreter: between keeping and reading comes another thread."""
    loss = make()
    here, there = (np.random.default_rng(k).normal(size=len(start(loss))) for k in (1, 2))
    right = looked_at(loss, here)
    looked_at(loss, there)
    holder = getattr(loss, "choices", loss)
    others = holder._last

    class Hurried(type(holder)):
        @property
        def _last(self):
            return others

        @_last.setter
        def _last(self, kept):
            pass

    holder.__class__ = Hurried
    for got, expected in zip(looked_at(loss, here), right, strict=True):
        assert_array_equal(got, expected)


def start(loss):
    return np.zeros(loss.n_params)

"""One small network for Cox's likelihood, written for autograd, JAX and PyTorch alike.

@pytest.mark.parametrize("library", LIBRARIES)
def test_something(library):
    loss = loss_in(library)
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import autograd.numpy as anp
import numpy as np
import pytest

import vifstats as vs

LIBRARIES = ["jax", "torch"]
N, FEATURES, WIDTH = 14, 2, 2
N_PARAMS = (FEATURES + 2) * WIDTH
RIDGE = 0.3


@cache
def data():
    """Covariates, times and events, the latest time first."""
    rng = np.random.default_rng(4)
    X, time = rng.normal(size=(N, FEATURES)), np.sort(rng.exponential(size=N))[::-1]
    return X, time.copy(), (np.arange(N) % 3 > 0).astype(float)


def start():
    return 0.5 * np.random.default_rng(5).normal(size=N_PARAMS)


def arrays(library):
    """The few functions that a Cox network needs, of a library that may not be there."""
    if library == "autograd":
        return SimpleNamespace(array=np.asarray, np=anp)
    if library == "jax":
        jax = pytest.importorskip("jax", reason="JAX is an extra")
        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_disable_most_optimizations", True)  # most of the time is compiling
        return SimpleNamespace(array=jax.numpy.asarray, np=jax.numpy)
    torch = pytest.importorskip("torch", reason="PyTorch is an extra, too large for every run")
    return SimpleNamespace(array=torch.tensor, np=torch)


def network(library):
    """``scores(theta)`` and ``likelihood(scores, b)``, which is minus the log of Breslow's."""
    ours = arrays(library)
    np_ = ours.np
    X, _, event = (ours.array(part.copy()) for part in data())
    later = ours.array(np.tril(np.ones((N, N))))  # a cumulative sum takes JAX long to compile

    def scores(theta):
        W, bias, v = theta[:4].reshape((2, 2)), theta[4:6], theta[6:]
        return np_.tanh(X @ W + bias) @ v

    def likelihood(eta, b):
        risk = later @ (b * np_.exp(eta))
        logs = np_.log(np_.where(risk > 0, risk, 1.0))
        return (b * event * (logs - eta)).sum()

    return scores, likelihood


def loss_in(library, **options):
    """The loss with weight decay, in a library."""
    scores, likelihood = network(library)
    if library == "autograd":

        def f(theta, b):
            return likelihood(scores(theta), b) + 0.5 * RIDGE * anp.sum(theta**2)

        return vs.FunctionLoss(f, N, N_PARAMS)
    make = vs.backends.JaxLoss if library == "jax" else vs.backends.TorchLoss
    theta = arrays(library).array(start())
    return make(likelihood, N, theta, outputs=scores, penalty=RIDGE, **options)

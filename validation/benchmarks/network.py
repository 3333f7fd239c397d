"""A Cox network of 1e5 parameters: what its gradient differences and conjugate gradients take.

    python -m validation.benchmarks.network

It is trained a little, and asked as a proximal estimate, which forms no Hessian.
"""

import resource
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import vifstats as vs
from vifstats.solvers import ConjugateGradient

ROWS, COVARIATES, WIDTH = 1218, 9, 310
STEPS, RATE, PENALTY, DAMPING = 30, 1e-4, 0.1, 10.0
EVERY = 400  # rows whose influence is asked


def network() -> vs.backends.JaxLoss:
    """Two hidden layers, whose output is the log hazard."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, COVARIATES))
    time = rng.exponential(np.exp(-np.tanh(X[:, 0]) - 0.5 * X[:, 1]))
    latest_first = np.argsort(-time)
    X, event = X[latest_first], (rng.random(ROWS) < 0.6).astype(float)[latest_first]
    theta = {
        "W1": rng.normal(size=(COVARIATES, WIDTH)) / 3,
        "b1": np.zeros(WIDTH),
        "W2": rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH),
        "b2": np.zeros(WIDTH),
        "v": rng.normal(size=WIDTH) / np.sqrt(WIDTH),
    }

    def log_hazard(t: dict[str, Any]) -> Any:
        return jnp.tanh(jnp.tanh(X @ t["W1"] + t["b1"]) @ t["W2"] + t["b2"]) @ t["v"]

    def partial_likelihood(eta: Any, b: Any) -> Any:
        at_risk = jnp.cumsum(b * jnp.exp(eta))
        return jnp.sum(b * event * (jnp.log(jnp.where(at_risk > 0, at_risk, 1.0)) - eta))

    return vs.backends.JaxLoss(partial_likelihood, ROWS, theta, outputs=log_hazard, penalty=PENALTY)


def gigabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Print parameters, residual, seconds, memory."""
    loss = network()
    theta = loss.theta
    for _ in range(STEPS):
        theta = theta - RATE * loss.gradient(theta)
    print(f"{loss.n_params} parameters, {ROWS} rows")
    begin = perf_counter()
    loss.gradient_differences(theta)
    print(f"gradient differences: {perf_counter() - begin:.0f} s, peak {gigabytes():.1f} GB")
    begin, some = perf_counter(), np.arange(ROWS) % EVERY == 0
    est = vs.proximal(loss, theta, DAMPING)
    found = vs.vif(est, objects=some, solver=ConjugateGradient(tol=1e-6))
    print(f"{some.sum()} rows, {found.note}: {perf_counter() - begin:.0f} s, {gigabytes():.1f} GB")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()

"""A Cox network on METABRIC and how it is trained: small, seeded, written in JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize

import vifstats as vs
from validation import fits

__all__ = ["CoxNetwork", "centred", "median_correlation"]

# Adam's defaults, and the step that the published scripts take.
RATE, FIRST, SECOND, TINY = 0.01, 0.9, 0.999, 1e-8


@dataclass(frozen=True, eq=False)
class CoxNetwork:
    """tanh units, one score for each patient, and Breslow's likelihood with each time its own.

    Attributes
    ----------
    data : Survival
    width : int
        Units in the hidden layer.
    """

    data: fits.Survival
    width: int

    @cached_property
    def order(self) -> np.ndarray:
        """The latest time first; events before those censored at the same time."""
        n = len(self.data.time)
        # a first row before a second of the same time, so that no times are tied
        return np.lexsort((-np.arange(n), self.data.event, -self.data.time))

    @cached_property
    def X(self) -> np.ndarray:
        """Standardised covariates in this order, (n, p)."""
        return self.standardised(self.data.X)[self.order]

    @cached_property
    def X_test(self) -> np.ndarray:
        """Those of the first hundred for whom is predicted."""
        return self.standardised(self.data.X_test)[:100]

    @cached_property
    def event(self) -> np.ndarray:
        """1 for an event, in this order."""
        return self.data.event[self.order].astype(float)

    @property
    def n_params(self) -> int:
        """Weights, biases and the last layer."""
        return (self.X.shape[1] + 2) * self.width

    def start(self, seed: int = 1) -> np.ndarray:
        """Where training starts."""
        return np.random.default_rng(seed).normal(size=self.n_params) / np.sqrt(self.X.shape[1])

    def scores(self, theta: Any, X: np.ndarray) -> Any:
        """The log hazard ratio of each row."""
        import jax.numpy as jnp

        k, width = self.X.shape[1], self.width
        W, bias = theta[: k * width].reshape(k, width), theta[k * width : (k + 1) * width]
        return jnp.tanh(X @ W + bias) @ theta[(k + 1) * width :]

    def likelihood(self, event: np.ndarray) -> Callable[[Any, Any], Any]:
        """Minus the log partial likelihood of scores, with these events."""
        import jax.numpy as jnp

        def f(eta: Any, b: Any) -> Any:
            shift = eta.max()
            risk = jnp.cumsum(b * jnp.exp(eta - shift))
            logs = jnp.log(jnp.where(risk > 0, risk, 1.0)) + shift
            return jnp.sum(b * event * (logs - eta))

        return f

    def loss(
        self, decay: float, event: np.ndarray | None = None, start: np.ndarray | None = None
    ) -> vs.backends.JaxLoss:
        """With weight decay; with other events, where some are mislabelled."""
        return vs.backends.JaxLoss(
            self.likelihood(self.event if event is None else event),
            len(self.event),
            self.start() if start is None else start,
            outputs=lambda theta: self.scores(theta, self.X),
            penalty=decay,
        )

    def converged(self, loss: vs.backends.JaxLoss) -> vs.Estimate:
        """L-BFGS, then Newton steps to the minimum."""
        b = loss.everyone()
        found = minimize(
            lambda t: float(loss.reduced_slopes(t[None], _nobody(loss))[0][0]),
            loss.theta,
            jac=lambda t: loss.gradient(t, b),
            method="L-BFGS-B",
            options={"maxiter": 5000, "maxfun": 9000},
        )
        return vs.minimize(loss, found.x, tol=1e-8)

    def adam(self, loss: vs.backends.JaxLoss, steps: int) -> Callable[[np.ndarray], np.ndarray]:
        """``train(b)``: so many steps of Adam on all who are present."""
        import jax
        import jax.numpy as jnp

        start, n = jnp.asarray(loss.theta), len(self.event)

        def train(b: Any) -> Any:
            def step(state: Any, j: Any) -> Any:
                theta, first, second = state
                g = jax.grad(loss.total)(theta, b) / n
                first, second = (
                    FIRST * first + (1 - FIRST) * g,
                    SECOND * second + (1 - SECOND) * g**2,
                )
                up = first / (1 - FIRST ** (j + 1))
                down = jnp.sqrt(second / (1 - SECOND ** (j + 1))) + TINY
                return (theta - RATE * up / down, first, second), None

            zero = jnp.zeros_like(start)
            return jax.lax.scan(step, (start, zero, zero), jnp.arange(steps))[0][0]

        compiled = jax.jit(train)
        return lambda b: np.array(compiled(b))

    def predicted(self, thetas: np.ndarray) -> np.ndarray:
        """Centred scores of the test rows, (k, 100)."""
        return centred(np.array([self.scores(theta, self.X_test) for theta in thetas]))

    def held_out_slope(self, theta: np.ndarray) -> np.ndarray:
        """The gradient of the loss of the validation part."""
        import jax

        part = fits.metabric_validation()
        X, order = self.standardised(part.X), np.argsort(-part.time, kind="stable")
        likelihood = self.likelihood(part.event[order].astype(float))
        b = np.ones(len(order))
        return np.array(jax.grad(lambda t: likelihood(self.scores(t, X[order]), b))(theta))

    def standardised(self, X: Any) -> np.ndarray:
        """Covariates by the mean and deviation of the training part."""
        train = self.data.X.to_numpy(float)
        return (X.to_numpy(float) - train.mean(axis=0)) / train.std(axis=0)


def centred(scores: np.ndarray) -> np.ndarray:
    """Only differences between scores count in a Cox model."""
    return scores - scores.mean(axis=1, keepdims=True)


def median_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Over the rows that leave, of the changes of all predictions."""
    each = [np.corrcoef(x, y)[0, 1] for x, y in zip(one, other, strict=True)]
    return float(np.median(each))


def _nobody(loss: vs.backends.JaxLoss) -> Any:
    from vifstats.removals import Removals

    return Removals.nobody(loss.n_objects)

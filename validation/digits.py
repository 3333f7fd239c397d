"""Small networks on scikit-learn's digits: an encoder by contrasts, and a ranker of lists."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import minimize

import vifstats as vs

__all__ = ["Encoder", "Ranker", "converged"]

# Principal components that are kept, and units of the hidden layer.
COMPONENTS, WIDTH = 12, 8


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Whitened components of all images, (1797, COMPONENTS), and what they show."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    data = load_digits()
    Z = PCA(COMPONENTS, whiten=True, svd_solver="full").fit_transform(data.data)
    return Z, data.target


def _layers(theta: Any, X: Any, last: int) -> Any:
    """tanh units, and `last` numbers of each row: (n, last)."""
    import jax.numpy as jnp

    k = COMPONENTS * WIDTH
    return jnp.tanh(X @ theta[:k].reshape(COMPONENTS, WIDTH)) @ theta[k:].reshape(WIDTH, last)


class Encoder:
    """InfoNCE: two views of each image, to be told from the views of all others who are present.

    Parameters
    ----------
    n : int
        Images that it is trained on.
    held_out : int
        Images whose similarities are looked at.
    """

    dimension, temperature, noise = 3, 0.5, 0.3

    def __init__(self, n: int = 80, held_out: int = 40) -> None:
        rng, Z = np.random.default_rng(0), _digits()[0][: n + held_out]
        self.n, self.n_params = n, WIDTH * (COMPONENTS + self.dimension)
        self.views = [Z[:n] + self.noise * rng.normal(size=(n, COMPONENTS)) for _ in range(2)]
        self.test = Z[n:]

    def codes(self, theta: Any, X: Any) -> Any:
        """A vector of length below 1 for each image: of length 1, its size would be free."""
        import jax.numpy as jnp

        codes = _layers(theta, X, self.dimension)
        return codes / jnp.sqrt((codes**2).sum(axis=1, keepdims=True) + 1.0)

    def terms(self, theta: Any, b: Any) -> Any:
        """What each image adds, from either of its views, with those present as negatives."""
        import jax.numpy as jnp

        one, other = (self.codes(theta, view) for view in self.views)
        scores = one @ other.T / self.temperature
        shifted = jnp.exp(scores - 1 / self.temperature)
        logs = sum(jnp.log(jnp.where(s > 0, s, 1.0)) for s in (shifted @ b, shifted.T @ b))
        return 0.5 * logs + 1 / self.temperature - jnp.diagonal(scores)

    def loss(self, ridge: float, start: np.ndarray) -> vs.backends.JaxLoss:
        """With a ridge for each image."""
        return vs.backends.JaxLoss(
            lambda theta, b: (b * self.terms(theta, b)).sum(),
            self.n,
            start,
            penalty=ridge * self.n,
            gauge=self.turns,
        )

    def turns(self, theta: np.ndarray) -> np.ndarray:
        """Codes may all turn together: a direction for each pair of coordinates."""
        last = theta[COMPONENTS * WIDTH :].reshape(WIDTH, self.dimension)
        out = []
        for i, j in combinations(range(self.dimension), 2):
            turn = np.zeros((self.dimension, self.dimension))
            turn[i, j], turn[j, i] = 1.0, -1.0
            out.append(np.r_[np.zeros(COMPONENTS * WIDTH), (last @ turn).ravel()])
        return np.array(out)

    def frozen(self, est: vs.Estimate, rows: np.ndarray) -> np.ndarray:
        """The influence of an image's own terms, all denominators held: (n_rows, n_params)."""
        import jax

        b = est.loss.everyone()
        slopes = jax.jacrev(lambda theta: self.terms(theta, b)[rows])(est.theta)
        return -est.solve(np.array(slopes))

    def similarities(self, theta: np.ndarray) -> np.ndarray:
        """Of all pairs of test images."""
        codes = np.array(self.codes(theta, self.test))
        return (codes @ codes.T)[np.triu_indices(len(codes), 1)]


class Ranker:
    """ListMLE: lists of images, the largest digit first, by a score of each image.

    Parameters
    ----------
    n : int
        Images; each is in several lists.
    wrong : float
        The share of them that are labelled as another digit.
    """

    per_list, n_lists, n_params = 5, 1000, WIDTH * (COMPONENTS + 1)

    def __init__(self, n: int = 300, wrong: float = 0.05, seed: int = 0) -> None:
        rng, (Z, digit) = np.random.default_rng(seed), _digits()
        self.n, self.X, self.X_test = n, Z[:n], Z[n : 2 * n]
        self.wrong = rng.choice(n, round(wrong * n), replace=False)
        label = digit[:n].copy()
        label[self.wrong] = (label[self.wrong] + rng.integers(1, 10, len(self.wrong))) % 10
        self.lists = self._lists(label, rng)
        self.test_lists = self._lists(digit[n : 2 * n], rng)

    def _lists(self, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Images of different digits, the largest first: (n_lists, per_list)."""
        images = [np.flatnonzero(label == digit) for digit in range(10)]
        drawn = [rng.choice(10, self.per_list, replace=False) for _ in range(self.n_lists)]
        return np.array([[rng.choice(images[d]) for d in -np.sort(-some)] for some in drawn])

    def minus_log(self, scores: Any, lists: np.ndarray, b: Any) -> Any:
        """Minus the log likelihood of the lists, of the images that are present."""
        import jax.numpy as jnp

        # whose place is this one or a later one
        later = np.tril(np.ones((self.per_list, self.per_list)))
        present, s = b[lists], scores[lists]
        rest = (present * jnp.exp(s)) @ later
        return (present * (jnp.log(jnp.where(rest > 0, rest, 1.0)) - s)).sum()

    def loss(self, ridge: float, start: np.ndarray) -> vs.backends.JaxLoss:
        """With weight decay; objects are images, which leave all their lists."""
        return vs.backends.JaxLoss(
            lambda scores, b: self.minus_log(scores, self.lists, b),
            self.n,
            start,
            outputs=lambda theta: _layers(theta, self.X, 1)[:, 0],
            penalty=ridge,
        )

    def predicted(self, thetas: np.ndarray) -> np.ndarray:
        """Centred scores of the first hundred test images, (k, 100)."""
        scores = np.array([_layers(theta, self.X_test[:100], 1)[:, 0] for theta in thetas])
        return scores - scores.mean(axis=1, keepdims=True)

    def held_out_slope(self, theta: np.ndarray) -> np.ndarray:
        """The gradient of the loss of the test lists, which are labelled right."""
        import jax

        everyone = np.ones(len(self.X_test))

        def lost(t: Any) -> Any:
            return self.minus_log(_layers(t, self.X_test, 1)[:, 0], self.test_lists, everyone)

        return np.array(jax.grad(lost)(theta))


def converged(loss: vs.backends.JaxLoss, seed: int = 1) -> vs.Estimate:
    """L-BFGS from a drawn theta, then Newton steps to the minimum."""
    b, start = loss.everyone(), 0.3 * np.random.default_rng(seed).normal(size=loss.n_params)
    found = minimize(
        lambda t: (float(loss.value(t, b)), loss.gradient(t)),
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 3000, "maxfun": 6000},
    )
    return vs.minimize(loss, found.x, tol=1e-8)

"""A package of someone else: two fits, and the adapter that it brings for them."""

from __future__ import annotations

import numpy as np

import vifstats as vs


class Fitted:
    """A ridge on the mean of some numbers, which a fit does not keep."""

    def __init__(self, y, strength):
        self.strength = strength
        self.mean_ = np.sum(y) / (len(y) + strength)


class FittedAgain(Fitted):
    """A subclass, which the adapter of its base takes."""


class Odd(Fitted):
    """A fit whose adapter forgets what to return."""


def adapter(fit, y, *, tol=1e-2):
    def squares(theta, y):
        return 0.5 * (y - theta[0]) ** 2

    loss = vs.MEstimator(squares, y, penalty=lambda theta: 0.5 * fit.strength * theta[0] ** 2)
    return vs.Estimate(loss, [fit.mean_], names=["mean"], tol=tol)


def odd(fit, y):
    return fit.mean_

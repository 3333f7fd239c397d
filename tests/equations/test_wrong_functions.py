"""Functions of a user that cannot be used, said before any work: rule, finding, remedy."""

from __future__ import annotations

from functools import partial

import autograd.numpy as anp
import numpy as np
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, LossError

N = 9
RNG = np.random.default_rng(3)
X = np.column_stack([np.ones(N), RNG.normal(size=N)])
Y = RNG.normal(size=N)


def normal(theta, data):
    return data[0] * (data[1] - anp.dot(data[0], theta))[:, None]


def summed(theta, b):
    return anp.dot(X.T, b * (Y - anp.dot(X, theta)))


def by_rows(psi, data=(X, Y), **options):
    return lambda: vs.RowEquations(psi, data, **options)


def by_equations(psi, n=N, **options):
    return lambda: vs.Equations(psi, n, 2, **options)


def by_values(f, data=(X, Y), **options):
    return lambda: vs.MEstimator(f, data, **options)


def by_function(f, n=N, **options):
    return lambda: vs.FunctionLoss(f, n, 2, **options)


def squares(theta, data):
    return (data[1] - anp.dot(data[0], theta)) ** 2


def total(theta, b):
    return anp.sum(b * (Y - anp.dot(X, theta)) ** 2)


ARITY = {
    "rows: one argument too few": (by_rows(lambda t: t), r"psi\(theta, data\)"),
    "rows: one too many": (by_rows(lambda t, d, e: t), r"psi\(theta, data\).*'e'"),
    "rows: it reads a block": (by_rows(normal, reads=["fit"]), r"psi\(theta, data, fit\)"),
    "rows: held": (by_rows(normal, held=lambda: 0.0), r"held\(theta\)"),
    "equations": (by_equations(lambda t: t), r"psi\(theta, b\)"),
    "equations: it reads a block": (by_equations(summed, reads=["fit"]), r"psi\(theta, b, fit\)"),
    "values": (by_values(lambda t: t), r"f\(theta, data\)"),
    "values: penalty": (by_values(squares, penalty=lambda t, b: 0.0), r"penalty\(theta\)"),
    "values: grad": (by_values(squares, grad=lambda t: t), r"grad\(theta, data\)"),
    "function": (by_function(lambda t: t), r"f\(theta, b\)"),
    "function: hess": (by_function(total, hess=lambda t: t), r"hess\(theta, b\)"),
    "function: owned": (by_function(total, owned=lambda: ()), r"owned\(i\)"),
}


@pytest.mark.parametrize("name", ARITY)
def test_the_number_of_arguments(name):
    make, call = ARITY[name]
    with pytest.raises(InvalidTypeError, match=f"must be a function.*{call}.*; write it with"):
        make()


def test_other_ways_to_take_these_arguments():
    def more(scale, theta, data, power=1):
        return scale * normal(theta, data) ** power

    for psi in (partial(more, 2.0), lambda *arguments: normal(*arguments)):
        assert vs.root(by_rows(psi)(), [0.0, 0.0]).theta == pytest.approx(
            np.linalg.lstsq(X, Y, rcond=None)[0]
        )


SHORT = (X, Y[:-1])
VALUES = {
    "rows of unequal data": (by_rows(normal, SHORT), "Its data have 9 and 8 rows"),
    "a start that is too short": (
        by_rows(lambda t, d: normal(anp.array([t[0], t[1]]), d)),
        "IndexError.*more parameters than 1, begin with all",
    ),
    "no sum is asked for": (by_rows(lambda t, d: normal(t, d).sum(axis=0)), "one row of terms"),
    "one column is missing": (by_rows(lambda t, d: normal(t, d)[:, :1]), r"\(9, 2\).*\(9, 1\)"),
    "nothing": (by_rows(lambda t, d: None), "one row of terms"),
    "complex rows": (by_rows(lambda t, d: 1j * normal(t, d)), "real numbers"),
    "rows put together by NumPy": (
        by_rows(lambda t, d: np.stack([normal(t, d)[:, 0], normal(t, d)[:, 1]], axis=1)),
        "array of objects.*autograd.numpy",
    ),
    "text": (by_rows(lambda t, d: np.full((N, 2), "a")), "raised .*Error"),
    "held of three": (by_rows(normal, held=lambda t: np.ones(3)), "ValueError"),
    "presence of others": (by_equations(summed, N + 1), "ValueError.*Correct the function"),
    "one number": (by_equations(lambda t, b: anp.sum(summed(t, b))), "one number for each"),
    "a list": (by_equations(lambda t, b: list(summed(t, b))), "autograd.numpy.array"),
    "no equations": (by_equations(lambda t, b: None), "one number for each"),
    "values of unequal data": (by_values(squares, SHORT), "Its data have 9 and 8 rows"),
    "other presence": (by_function(total, N + 1), "ValueError"),
    "grad by row": (by_function(total, grad=lambda t, b: np.ones((N, 2))), r"`grad`.*\(9, 2\)"),
    "hess is a vector": (by_function(total, hess=lambda t, b: t), r"`hess`.*\(2, 2\)"),
}


@pytest.mark.parametrize("name", VALUES)
def test_what_it_returns(name):
    make, said = VALUES[name]
    loss = make()
    theta = [0.0] if "short" in name else [0.0, 0.0]
    for call in (vs.minimize if loss.minimised else vs.root, vs.Estimate):
        with pytest.raises(LossError, match=said):
            call(loss, theta)


def test_values_that_numpy_put_together():
    """Their sum can be followed, and so the minimum is found; each of them cannot."""
    loss = by_values(lambda t, d: np.stack([squares(t, d)])[0])()
    est = vs.minimize(loss, [0.0, 0.0])
    for verb in (vs.vif, vs.newton_step):
        with pytest.raises(LossError, match=r"array of objects.*autograd\.numpy"):
            verb(est)


@pytest.mark.parametrize("row", [slice(None), 4])
def test_terms_that_are_not_finite(row):
    def psi(theta, data):
        missing = np.zeros((N, 1))
        missing[row] = np.nan
        return normal(theta, data) + missing

    with pytest.raises(InvalidInputError, match="finite where the search begins.*nan"):
        vs.root(by_rows(psi)(), [0.0, 0.0])

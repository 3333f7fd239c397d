"""Targets: plugged in, linearised, and from a plain function."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from cases import BY_NAME
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.removals import Removals
from vifstats.targets.base import FunctionTarget, Target, as_target

EST = BY_NAME["logistic ridge"].estimate()


def present_share(theta, b, loss):
    """Two values, of which the second reads who is present."""
    return anp.array([anp.exp(theta[1]), anp.sum(b) * theta[0] / loss.n_objects])


def test_values_without_are_those_of_the_reduced_data():
    target, removals = as_target(present_share), Removals.each(EST.loss.n_objects)
    thetas = EST.theta + np.random.default_rng(0).normal(0, 0.1, (len(removals), 3))
    found = target.values_without(EST.loss, thetas, removals)
    expected = np.column_stack([np.exp(thetas[:, 1]), 39 / 40 * thetas[:, 0]])
    assert relative_error(found, expected) < ROUNDING


def test_linear_influence_has_a_direct_term():
    removals = Removals.each(EST.loss.n_objects)
    dfbeta = vs.vif(EST).values
    found = as_target(present_share).linear_influence(EST.loss, EST.theta, dfbeta, removals)
    direct = EST.theta[0] / 40
    expected = np.column_stack(
        [np.exp(EST.theta[1]) * dfbeta[:, 1], 39 / 40 * dfbeta[:, 0] + direct]
    )
    assert relative_error(found, expected) < ROUNDING


def test_a_target_that_does_not_read_presence_takes_a_shortcut():
    target, removals = as_target(lambda theta, b, loss: theta**2), Removals.each(40)
    dfbeta = vs.vif(EST).values
    slow = target.linear_influence(EST.loss, EST.theta, dfbeta, removals)
    target.reads_presence = False
    assert (
        relative_error(target.linear_influence(EST.loss, EST.theta, dfbeta, removals), slow)
        < ROUNDING
    )


def test_what_is_a_target():
    class Own(Target):
        def value(self, theta, presence, loss):
            return theta[0]

    own = Own()
    assert as_target(own) is own and own.bind(EST) is own
    assert isinstance(as_target(present_share), FunctionTarget)
    with pytest.raises(InvalidTypeError, match="this is str"):
        as_target("survival")
    with pytest.raises(InvalidTypeError, match=r"is the class Own; make one.*Own\(...\)"):
        as_target(Own)
    with pytest.raises(NotImplementedError, match="Target must define value"):
        Target().value(EST.theta, np.ones(40), EST.loss)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda theta, b, loss: None, "NoneType"),
        (lambda theta, b, loss: {"a": theta[0]}, "dict"),
        (lambda theta, b, loss: np.outer(theta, theta), r"shape \(3, 3\)"),
        (lambda theta, b, loss: 1j * theta, "complex"),
        (lambda theta, b, loss: theta if b.all() else theta[:2], "with all rows.* 3 and 2"),
        (lambda theta, b, loss: theta[: 2 + int(b[0])], "without each row, but has 2 or 3"),
    ],
    ids=["None", "dict", "matrix", "complex", "fewer without", "some fewer"],
)
def test_a_target_returns_a_number_or_always_as_many(f, words):
    with pytest.raises(InvalidInputError, match=words):
        vs.newton_step(EST).on(f)


def test_a_target_may_write_to_what_it_is_given():
    def first_set_to_0(theta, b, loss):
        theta[0], b[:] = 0.0, 2.0
        return theta.sum() + b.sum()

    influence, before = vs.newton_step(EST), EST.theta.copy()
    change = influence.on(first_set_to_0)
    assert (EST.theta == before).all()
    assert relative_error(change.influence[:, 0], influence.values[:, 1:].sum(axis=1)) < 1e-9


@pytest.mark.parametrize(
    "f",
    [
        lambda theta, b, loss: float(theta[0]),
        lambda theta, b, loss: anp.sum(anp.where(b > 0, theta[0], 0.0)),
    ],
    ids=["float", "where"],
)
def test_a_target_without_a_derivative_says_so_and_can_be_plugged_in(f):
    influence = vs.newton_step(EST)
    assert np.isfinite(influence.on(f).influence).all()
    with pytest.raises(InvalidInputError, match=r"`linear=True` needs.*Or use linear=False"):
        influence.on(f, linear=True)


def test_a_result_without_rows_has_influence_of_none():
    change = vs.vif(EST, objects=[]).on(lambda theta, b, loss: theta)
    assert change.influence.shape == (0, 3) and change.to_frame().empty


def test_a_target_of_no_parameter_has_no_influence():
    assert (vs.vif(EST).on(lambda theta, b, loss: 3.0).influence == 0).all()

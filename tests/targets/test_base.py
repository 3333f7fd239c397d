"""Targets: plugged in, linearised, and from a plain function."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from cases import BY_NAME
from tolerances import ROUNDING, relative_error

import vifstats as vs
from vifstats.errors import InvalidTypeError
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
    with pytest.raises(NotImplementedError, match="Target must define value"):
        Target().value(EST.theta, np.ones(40), EST.loss)


def test_a_target_of_no_parameter_has_no_influence():
    assert (vs.vif(EST).on(lambda theta, b, loss: 3.0).influence == 0).all()

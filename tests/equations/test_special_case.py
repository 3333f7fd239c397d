"""The gradient of a loss as estimating equations: the same influences, from another class."""

from __future__ import annotations

import numpy as np
import pytest
from cases import BY_NAME
from tolerances import CONVERGED_FIT, REFERENCE, relative_error

import vifstats as vs
from vifstats.losses import autodiff

# Neither directions without curvature nor parameters that leave with their object: equations have
# no word for either.
NAMES = [
    "mean",
    "ranking",
    "pairs",
    "matched sets",
    "least squares",
    "logistic ridge",
    "poisson",
    "huber",
    "beta regression",
    "cox efron ties",
    "cox everything",
]


def as_equations(case) -> tuple[vs.Estimate, vs.Estimate]:
    """A fit of a loss, and the same as the root of its gradient by automatic differentiation."""
    loss, est = case.loss(), case.estimate()

    def psi(theta, b):
        return autodiff.gradient(lambda t: loss.value(t, b), theta)

    equations = vs.Equations(psi, loss.n_objects, len(est.theta), labels=loss.labels)
    return est, vs.Estimate(equations, est.theta, names=est.names, tol=np.inf)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_of_a_loss_gives_its_influences(name):
    est, root = as_equations(BY_NAME[name])
    some = list(est.labels[:4])
    for verb in (vs.vif, vs.newton_step):
        error = relative_error(verb(root, objects=some).values, verb(est, objects=some).values)
        assert error <= REFERENCE
    if est.loss.fractional:
        ours = vs.classical_if(root, objects=some).values
        assert relative_error(ours, vs.classical_if(est, objects=some).values) <= REFERENCE
    ours, own = (vs.leave_one_out(each, objects=some[:2]).values for each in (root, est))
    assert relative_error(ours, own) <= CONVERGED_FIT

"""Modules of PyTorch: which of their parameters are estimated, and what they must not do."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError

torch = pytest.importorskip("torch", reason="PyTorch is an extra, too large for every run")
nn = torch.nn
X = torch.linspace(-1.0, 1.0, 6, dtype=torch.float64)[:, None]
Y = torch.sin(2 * X[:, 0])


def squares(net, b):
    return 0.5 * (b * (net(X)[:, 0] - Y) ** 2).sum()


def module(*more):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 2), nn.Tanh(), *more, nn.Linear(2, 1)).double()


def test_the_parameters_of_a_module():
    net = module()
    before = [p.detach().clone() for p in net.parameters()]
    loss = vs.backends.TorchLoss(squares, 6, net, penalty=0.2)
    assert loss.names[:3] == ("0.weight[0, 0]", "0.weight[1, 0]", "0.bias[0]")
    assert loss.value(loss.theta, loss.everyone()) == pytest.approx(
        float(squares(net, 1.0)) + 0.1 * sum(float((p**2).sum()) for p in before)
    )
    est = vs.minimize(loss, loss.theta)
    assert all(torch.equal(a, p) for a, p in zip(before, net.parameters(), strict=True))
    net.load_state_dict(loss.unflatten(est.theta))
    assert vs.backends.TorchLoss(squares, 6, net).theta == pytest.approx(est.theta)
    assert np.isfinite(vs.vif(est).values).all()


def test_a_penalty_reads_the_parameters_of_the_module():
    loss = vs.backends.TorchLoss(
        squares, 6, module(), penalty=lambda net: sum((p**2).sum() for p in net.parameters())
    )
    assert loss.penalty(loss.theta) == pytest.approx((loss.theta**2).sum())


def test_parameters_that_need_no_gradient_stay():
    net = module()
    net[0].requires_grad_(False)
    loss = vs.backends.TorchLoss(squares, 6, net)
    assert loss.names == ("2.weight[0, 0]", "2.weight[0, 1]", "2.bias[0]")


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm1d(2)], ids=["dropout", "norm"])
def test_what_is_random_or_has_a_memory_is_refused_in_training(layer):
    net = module(layer)
    with pytest.raises(InvalidInputError, match=r"`2`, a \w+, draws.*call module.eval"):
        vs.backends.TorchLoss(squares, 6, net)
    loss = vs.backends.TorchLoss(squares, 6, net.eval())
    assert np.isfinite(loss.gradient_differences(loss.theta)).all()


def test_tensors_by_name():
    theta = {"slope": torch.zeros(1, dtype=torch.float64), "at": torch.tensor(0.0).double()}
    loss = vs.backends.TorchLoss(
        lambda t, b: 0.5 * (b * (Y - t["at"] - t["slope"] * X[:, 0]) ** 2).sum(), 6, theta
    )
    assert loss.names == ("slope[0]", "at")
    assert loss.unflatten(np.array([1.0, 2.0]))["at"] == 2.0
    est = vs.minimize(loss, loss.theta)
    exact = vs.leave_one_out(est).values
    assert vs.newton_step(est).values == pytest.approx(exact, abs=1e-9)


def test_other_types_are_refused():
    for wrong in ([1.0], {"a": 1.0}, nn.Linear):
        with pytest.raises(InvalidTypeError, match="must be a torch.nn.Module"):
            vs.backends.TorchLoss(squares, 6, wrong)
    with pytest.raises(InvalidInputError, match="`0.weight` is of float32; call .double"):
        vs.backends.TorchLoss(squares, 6, module().float())


def test_pickles_where_its_function_does():
    loss = vs.backends.TorchLoss(squares, 6, module())
    loss.gradient(loss.theta)
    copy = pickle.loads(pickle.dumps(loss))
    assert_array_equal(copy.gradient(loss.theta), loss.gradient(loss.theta))

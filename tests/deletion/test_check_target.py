"""Every target of the package keeps its contract, and a broken one is caught by its rule."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from cases import BY_NAME
from target_cases import CASES

import vifstats as vs
from vifstats.errors import InvalidInputError, TargetError

EST = BY_NAME["least squares"].estimate()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_target_is_what_its_value_says(case):
    report = vs.check_target(case.target(), case.estimate(), skip=case.skip)
    assert [rule for rule, found in report.findings.items() if found == "skipped"] == [
        rule for rule in report.findings if rule in case.skip
    ]


class Own(vs.targets.Target):
    """A correct target of two values, one of which reads who is present."""

    def value(self, theta, presence, loss):
        return anp.array([theta[0] * theta[1], anp.sum(presence) * theta[2]])


class Unnamed(Own):
    names = ("one",)


class Deaf(Own):
    reads_presence = False


class Cut(Own):
    def value(self, theta, presence, loss):
        fixed = np.array([float(getattr(t, "_value", t)) for t in theta])
        return anp.array([fixed[0] + 0.0 * theta[0], theta[1]])


class Shifted(Own):
    def values_without(self, loss, thetas, removals):
        return super().values_without(loss, thetas, removals) * (1 + 1e-5)


class Narrow(Own):
    def values_without(self, loss, thetas, removals):
        return super().values_without(loss, thetas, removals)[:, :1]


class Reversed(Own):
    def linear_influence(self, loss, theta, dfbeta, removals):
        return -super().linear_influence(loss, theta, dfbeta, removals)


class Stepped(Own):
    def value(self, theta, presence, loss):
        return theta[0] + 0.2 * anp.sin(1e3 * theta[0])


class Moody(Own):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def value(self, theta, presence, loss):
        return theta * self.rng.normal()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Moody(), "same each time"),
        (Unnamed(), "has 1 for 2"),
        (Deaf(), "leave `reads_presence` out"),
        (Cut(), "write all of it in autograd.numpy"),
        (Shifted(), "`values_without` must equal its default"),
        (Narrow(), "shape of its default"),
        (Reversed(), "`linear_influence` must equal its default"),
        (Stepped(), "change on the way to a refit"),
    ],
    ids=lambda of: type(of).__name__,
)
def test_a_broken_rule_is_told(target, words):
    vs.check_target(Own(), EST)
    with pytest.raises(TargetError, match=words):
        vs.check_target(target, EST)


def test_data_of_who_is_absent_are_not_read():
    est = BY_NAME["cox efron"].estimate()

    def mean_age(theta, b, loss):
        return anp.mean(loss.data.X[:, 0]) * theta[0]  # of everyone, whoever is present

    with pytest.raises(TargetError, match="that of the data without it"):
        vs.check_target(mean_age, est)


def test_skipped_and_unknown_rules():
    assert vs.check_target(Stepped(), EST, skip=["refits"]).findings["refits"] == "skipped"
    with pytest.raises(InvalidInputError, match="has \\['refit'\\]"):
        vs.check_target(Own(), EST, skip=["refit"])

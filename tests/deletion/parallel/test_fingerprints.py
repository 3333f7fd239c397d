"""Fingerprints: the same of the same work, another of any other."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from cases import BY_NAME, CASES

from vifstats.deletion.parallel import Fingerprint
from vifstats.removals import Removals

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=str)


def fingerprint(case, loss=None, removals=None, **options):
    est = case.estimate()
    loss = est.loss if loss is None else loss
    removals = est.removals() if removals is None else removals
    return Fingerprint.of(loss, est.theta, est.hessian, removals, **options)


@EVERY_CASE
def test_the_same_work_built_again_is_the_same(case):
    one, two = fingerprint(case, tol=1e-9), fingerprint(case, case.loss(), tol=1e-9)
    assert one.difference(two) == ""
    read = Fingerprint.from_json(json.loads(json.dumps(one.to_json())))
    assert one.difference(read) == "" and np.array_equal(read.theta, one.theta)


@EVERY_CASE
def test_rows_in_another_order_are_other_data(case):
    """With the labels of the first order: theta and H are the same, and every row is wrong."""
    order = np.roll(np.arange(case.n), 1)
    moved = case.loss(order, labels=np.arange(100, 100 + case.n))
    if case.owns:  # theta moves with its owner, so that is another theta altogether
        return
    assert "data" in fingerprint(case).difference(fingerprint(case, moved))


def other_rows(removals):
    return Removals(np.roll(removals.codes, 1), removals.labels)


def other_labels(removals):
    return Removals(removals.codes, removals.labels + 1)


@pytest.mark.parametrize(("change", "name"), [(other_rows, "removals"), (other_labels, "labels")])
def test_other_removals_are_other_work(change, name):
    case = BY_NAME["cox efron ties"]
    changed = fingerprint(case, removals=change(case.estimate().removals()))
    assert fingerprint(case).difference(changed).startswith(name)


def test_options_are_named_with_both_values():
    case = BY_NAME["cox efron ties"]
    one, two = fingerprint(case, max_steps=50), fingerprint(case, max_steps=20)
    assert one.difference(two) == "max_steps was 20 there, and is 50 here"
    assert one.difference(fingerprint(case)) == "max_steps was None there, and is 50 here"


@pytest.mark.parametrize(
    ("name", "said"), [("theta", "theta"), ("curvature", "Hessian"), ("gradients", "data")]
)
def test_numbers_may_differ_by_rounding_only(name, said):
    one = fingerprint(BY_NAME["cox efron ties"])
    number = getattr(one, name)
    assert one.difference(replace(one, **{name: number * (1 + 1e-12)})) == ""
    assert said in one.difference(replace(one, **{name: number * (1 + 1e-3)}))


def test_columns_of_another_name_are_other_work():
    case = BY_NAME["cox efron ties"]
    loss = case.loss()
    renamed = copy(loss)
    renamed.names = tuple(f"new {name}" for name in loss.names)
    assert "names was" in fingerprint(case, loss).difference(fingerprint(case, renamed))

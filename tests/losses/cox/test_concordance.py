"""Concordance in n log n against the pairs one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import cox_concordance
from strategies import cox_problems

from vifstats.losses import Cox
from vifstats.losses.cox.concordance import concordance


@settings(max_examples=80)
@given(cox_problems(), st.integers(0, 2**32 - 1), st.booleans())
def test_equals_the_pairs_one_by_one(problem, seed, tied_scores):
    rng = np.random.default_rng(seed)
    score = rng.normal(size=problem.n_rows)
    if tied_scores:
        score = np.round(score)
    w = rng.integers(0, 3, problem.n_rows).astype(float)
    entry, strata = problem.entry, problem.strata
    sets = Cox(problem.X, problem.time, problem.event, entry=entry, strata=strata).risk_sets
    found = concordance(sets, w[sets.order], score[sets.order])
    assert found == pytest.approx(cox_concordance(problem, score, w), nan_ok=True, rel=1e-12)

"""Shards: whole blocks, every row in one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifstats.deletion.parallel.shards.shard import Shard
from vifstats.errors import InvalidInputError


@given(st.integers(0, 500), st.integers(1, 40), st.integers(1, 60))
def test_every_row_is_in_one_shard_and_every_shard_holds_whole_blocks(n_rows, size, total):
    parts = [Shard(k, total).rows(n_rows, size) for k in range(1, total + 1)]
    assert [row for part in parts for row in range(n_rows)[part]] == list(range(n_rows))
    assert all(part.start % size == 0 or part.start == n_rows for part in parts)


def test_shards_are_written_as_in_a_job_array():
    assert Shard.parse("3/50") == Shard(3, 50)
    assert Shard(3, 50).name == "part-03-of-50"


@pytest.mark.parametrize("text", ["0/50", "51/50", "0/0", "1/0"])
def test_a_shard_that_is_not_there_is_refused(text):
    with pytest.raises(InvalidInputError, match=f"numbered from 1 to .* but is {text}"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["", "3", "3/", "-1/5", "1.5/2", "one/two", "1/2/3"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(InvalidInputError, match="as 3/50"):
        Shard.parse(text)

"""Chunks of every kind are read alike, and bad ones are named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import dask
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import vifstats as vs
from vifstats.errors import InvalidInputError, InvalidTypeError, MissingDataError
from vifstats.losses import Cox

N, SIZE = 90, 30
PARTS = {"time": "time", "event": "event", "strata": "s"}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(N, 2)), columns=["a", "b"])
    return table.assign(
        time=np.tile(np.repeat(np.arange(1.0, 10.0), 5), 2),
        event=(rng.random(N) < 0.6).astype(float),
        s=np.repeat([0, 1], N // 2),
    )


@pytest.fixture(scope="module")
def theta(rows) -> pd.Series:
    loss = Cox(rows[["a", "b"]], rows["time"], rows["event"], strata=rows["s"])
    return vs.minimize(loss, [0.0, 0.0]).params


@pytest.fixture
def parquet(rows, tmp_path):
    pq.write_table(pa.Table.from_pandas(rows), tmp_path / "rows.parquet", row_group_size=SIZE)
    return tmp_path / "rows.parquet"


def cut(table, size=SIZE):
    return [table[k : k + size] for k in range(0, N, size)]


def written(theta, chunks, folder, **options) -> pd.DataFrame:
    return pd.read_parquet(vs.streaming.cox(theta, chunks, **PARTS, to=folder, **options).path)


@pytest.fixture
def expected(rows, theta, tmp_path) -> pd.DataFrame:
    return written(theta, cut(rows), tmp_path / "expected")


def kinds_of_chunks(rows: pd.DataFrame, parquet) -> dict:
    table = pa.Table.from_pandas(rows)
    fragments = pyarrow.dataset.dataset(parquet).get_fragments()
    return {
        "polars": cut(pl.from_arrow(table)),
        "pyarrow tables": cut(table),
        "record batches": table.to_batches(max_chunksize=SIZE),
        "dicts of arrays": [{k: v.to_numpy() for k, v in part.items()} for part in cut(rows)],
        "structured arrays": cut(rows.to_records(index=False)),
        "functions": [partial(lambda part: part, part) for part in cut(rows)],
        "row groups": vs.streaming.row_groups(parquet),
        "row groups of a folder": vs.streaming.row_groups(parquet.parent),
        "fragments of a dataset": [
            group for fragment in fragments for group in fragment.split_by_row_group()
        ],
    }


def test_chunks_of_every_kind_give_the_same_bits(rows, theta, parquet, expected, tmp_path):
    for kind, chunks in kinds_of_chunks(rows, parquet).items():
        assert len(chunks) == N // SIZE
        assert written(theta, chunks, tmp_path / kind).equals(expected), kind


def test_memory_mapped_arrays_have_columns_by_number(rows, theta, expected, tmp_path):
    np.save(tmp_path / "rows.npy", rows.to_numpy())
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    found = vs.streaming.cox(
        theta.to_numpy(),
        cut(mapped),
        columns=[0, 1],
        time=2,
        event=3,
        strata=4,
        to=tmp_path / "mapped",
    )
    assert found.names == ("0", "1")
    assert np.array_equal(pd.read_parquet(found.path), expected)


def test_threads_and_futures_give_the_same_bits(rows, theta, expected, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        assert written(theta, cut(rows), tmp_path / "map", map=pool.map).equals(expected)

        def futures(function, items):
            return [pool.submit(function, item) for item in items]

        assert written(theta, cut(rows), tmp_path / "futures", map=futures).equals(expected)


def spoiled(rows: pd.DataFrame, **columns) -> list[pd.DataFrame]:
    """The second chunk with another value in its row 3."""
    chunks = cut(rows.reset_index(drop=True))
    second = chunks[1].reset_index(drop=True)
    for name, value in columns.items():
        second[name] = second[name].astype(object if isinstance(value, str) else float)
        second.loc[3, name] = value
    return [chunks[0], second, chunks[2]]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("a", np.nan, "In chunk 1: `X` must be finite, but column 'a' is nan in row 3"),
        ("time", np.inf, "In chunk 1: `time` must be finite, but row 3 is inf"),
        ("time", -1.0, "In chunk 1: `T` must be >= 0, but row 3 is -1"),
        ("time", 0.5, "In chunk 1: Rows must be sorted by 'time'.*row 3 is 0.5 after"),
        ("event", 2.0, "In chunk 1: `E` must be 0"),
        ("s", np.nan, "In chunk 1: Strata must not be missing, but 's' is in row 3"),
        ("s", -1, "In chunk 1: Rows must be sorted by strata"),
        ("s", "x", "In chunk 1: Strata must have an order"),
    ],
)
def test_a_bad_row_is_named_with_its_chunk(rows, theta, tmp_path, column, value, message):
    with pytest.raises((InvalidInputError, InvalidTypeError), match=message):
        written(theta, spoiled(rows, **{column: value}), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_chunks_out_of_order_are_named(rows, theta):
    first, second, third = cut(rows)
    with pytest.raises(InvalidInputError, match="In chunk 1: .* row 0 is in stratum .0,. after"):
        vs.streaming.cox(theta, [third, first, second], **PARTS)
    early = cut(rows.assign(s=0, time=np.arange(N)[::-1] // SIZE))
    with pytest.raises(InvalidInputError, match="In chunk 1: .* row 0 is at 1 after 2 in row 29"):
        vs.streaming.cox(theta, early, **PARTS)


def test_a_missing_column_is_named_with_its_chunk(rows, theta, parquet, tmp_path):
    first, second, third = cut(rows)
    with pytest.raises(InvalidInputError, match="In chunk 1: There is no column 'b'"):
        written(theta, [first, second.drop(columns="b"), third], tmp_path / "out")
    theta = theta.rename({"b": "bb"})
    with pytest.raises(InvalidInputError, match="In chunk 0: There is no column 'bb'"):
        written(theta, vs.streaming.row_groups(parquet), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truncated_file_is_named(theta, parquet):
    parquet.write_bytes(parquet.read_bytes()[:-100])
    with pytest.raises(InvalidInputError, match="must be complete.*rows.parquet"):
        vs.streaming.row_groups(parquet)


def test_what_breaks_in_the_last_pass_leaves_nothing(rows, theta, parquet, tmp_path):
    chunks = vs.streaming.row_groups(parquet)
    content = parquet.read_bytes()
    passes = []

    def breaking(function, items):
        passes.append(function)
        for item in items:
            if len(passes) == 3:
                # pages of the second row group on are gone, the footer is not
                middle = len(content) // 2
                parquet.write_bytes(content[:middle] + bytes(len(content) - middle))
            yield function(item)

    with pytest.raises(InvalidInputError, match=r"In chunk \d: a chunk must be readable"):
        written(theta, chunks, tmp_path / "out", map=breaking)
    assert len(passes) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_an_interrupt_leaves_nothing(rows, theta, tmp_path):
    def interrupted(function, items):
        for item in items:
            yield function(item)
            if any(tmp_path.glob("*/part-*")):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(theta, cut(rows), tmp_path / "out", map=interrupted)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("chunks", "error", "message"),
    [
        (pd.DataFrame({"a": [1.0]}), InvalidTypeError, "must be a sequence of tables"),
        (iter([]), InvalidTypeError, "read several times"),
        ([], InvalidInputError, "at least one table"),
        ([3], InvalidTypeError, "In chunk 0: A chunk must be a table"),
        ([np.zeros(3)], InvalidInputError, "In chunk 0: .* two dimensions"),
    ],
)
def test_what_is_no_chunk_is_refused(theta, chunks, error, message):
    with pytest.raises(error, match=message):
        vs.streaming.cox(theta, chunks, **PARTS)


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(MissingDataError, match="there is none"):
        vs.streaming.row_groups(tmp_path)


def test_names_of_theta_and_columns_must_agree(rows, theta):
    with pytest.raises(InvalidInputError, match="names of `columns` in their order"):
        vs.streaming.cox(theta, [rows], **PARTS, columns=["b", "a"])
    with pytest.raises(InvalidInputError, match="must list the covariates"):
        vs.streaming.cox(theta.to_numpy(), [rows], **PARTS)


def test_delayed_objects_of_dask_are_chunks(rows, theta, expected, tmp_path):
    chunks = [dask.delayed(part) for part in cut(rows)]
    pd.testing.assert_frame_equal(written(theta, chunks, tmp_path / "out"), expected)


def test_strata_of_another_type_in_another_chunk_are_named(rows, theta):
    first, *others = cut(rows)
    chunks = [first, *(part.assign(s=part["s"].map(str)) for part in others)]
    with pytest.raises(InvalidTypeError, match=r"In chunk 1: strata must be of one type"):
        vs.streaming.cox(theta, chunks, **PARTS)


def test_what_is_kept_may_be_missing_from_a_whole_chunk(rows, theta, tmp_path):
    first, *others = cut(rows)
    chunks = [first.assign(note=None), *(part.assign(note="seen") for part in others)]
    notes = written(theta, chunks, tmp_path / "out", keep="note")["note"]
    assert notes.isna().sum() == SIZE and (notes[SIZE:] == "seen").all()


def test_what_is_kept_has_one_type(rows, theta, tmp_path):
    mixed = rows.assign(note=[1, "seen"] * (N // 2))
    with pytest.raises(InvalidInputError, match="In chunk 0: Columns to `keep` must have one type"):
        written(theta, cut(mixed), tmp_path / "out", keep="note")
    assert not list(tmp_path.iterdir())

"""What is wrong for an argument, by what the argument is; the table of `public_calls` names these.

A kind that ends in "?" may be None as well.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

THING = object()
WORDS = ("foo", b"foo")
NO_NUMBER = (THING, *WORDS, [], {}, [1.0, 2.0], 1j, True, pd.DataFrame(), pd.Timestamp(0), int)
NOT_FINITE = (np.nan, np.inf, -np.inf)
NOT_ROWS = (3, "foo", THING, [], [1.0, 2.0], pd.DataFrame(), np.zeros((2, 2, 2)), int)
UNUSABLE = (3, 2.5, True, np.nan, [], {}, THING, np.zeros(2), pd.DataFrame())


GENERATOR = (k for k in ())


# Not None, which each kind without a question mark has besides.
WRONG: dict[str, tuple] = {
    "model": (3, 2.5, True, *WORDS, [], {}, THING, int, np.zeros(2), pd.DataFrame(), len),
    "loss": (3, True, "foo", [], THING, int, np.zeros(2), len),
    "result": (3, True, "foo", [], {}, THING, int, np.zeros(2), pd.DataFrame(), len),
    "flag": (0, 1, 2.5, np.nan, "yes", [], THING, np.zeros(2), pd.DataFrame()),
    "whole": (*NO_NUMBER, *NOT_FINITE, -1, 2.5, 2.0, "3"),
    "count": (*NO_NUMBER, *NOT_FINITE, -1, 0, 2.5, 2.0, "3"),
    "number": (*NO_NUMBER, np.nan),
    "finite": (*NO_NUMBER, *NOT_FINITE),
    "positive": (*NO_NUMBER, *NOT_FINITE, -1, 0, 0.0, "3"),
    "not negative": (*NO_NUMBER, *NOT_FINITE, -1, "3"),
    "seconds": (*NO_NUMBER, np.nan, -1, -np.inf),
    "tolerance": (*NO_NUMBER, np.nan, -1, 0, -np.inf),
    "share": (*NO_NUMBER, *NOT_FINITE, -1, 0, 1, 2),
    "word": (*UNUSABLE, "foo", b"foo", int),
    "name": (*UNUSABLE[1:], "foo", -1, THING, int),
    "text": (*UNUSABLE, int, len),
    "function": (3, "foo", [], {}, THING, np.zeros(2), pd.DataFrame(), True),
    "vector": (*NOT_ROWS, True, {}, len, GENERATOR, [np.nan] * 12, ["a"] * 12, [1j] * 12),
    "labels": (3, THING, "foo", [], [1, 2], np.zeros((12, 2)), [None] * 12, [[1]] * 12, int, len),
    "strata": (3, THING, "foo", [], [1, 2], np.zeros((12, 2, 2)), [None] * 12, int, len),
    "lists": (3, "foo", THING, [], {}, int, len, np.zeros((2, 2, 2))),
    "rows of data": (3, "foo", THING, [], {}, int, len, {"a": 1}),
    "numbers": (3, "foo", THING, [], ["a"], [np.nan], int, len, True, np.zeros((2, 2, 2))),
    "edit": ("foo", THING, [], [1.0, 2.0], pd.DataFrame(), int, {}, [np.nan] * 12, ["a"] * 12),
    "covariates": (3, "foo", THING, [], int, np.zeros(2), {"q": 1.0}, {"a": "foo"}),
    "some numbers": (3, "foo", THING, [], int, len, True),
    "some labels": (3, THING, "foo", [], [1], np.zeros((12, 2)), int, len),
    "components": (3, "foo", THING, int, len, [1], {"a": 3}),
    "added": (3, THING, int, len, [], [[1]], "foo"),
    "pairs": (3, "foo", THING, [1], int, len, [("a", "b", "c")], [("a", "b")]),
    "size": (*NO_NUMBER[:4], THING, int, [1.0], [0.0, 1.0], [np.nan, 1.0], [1, 2, 3], True),
    "some names": (3, True, THING, int, len, "foo", [THING, []]),
    "several": (3, THING, int, "foo", np.zeros((2, 2))),
    "some columns": (3, THING, int, "foo", ["foo"], np.zeros((2, 2))),
    "one each": (3, "foo", THING, [], [[1]], int, len, True, [1.0, "a"], [1j] * 3),
    "graph": (3, "foo", THING, [], int, len, np.zeros((2, 3)), np.zeros((2, 2, 2))),
    "places": (2.5, True, "foo", THING, int, len, [0.5], ["a"], [THING], [[0]]),
    "positions": ("foo", THING, 2.5, True, int, [99], [-99], [0, 0], [0.5], ["a"], [THING]),
    "matrix": (3, "foo", THING, [], int, len, np.zeros((2, 2, 2)), [["a"]] * 12, {"a": 1}),
    "theta": ("foo", THING, {}, int, len, [np.nan] * 2, ["a", "b"], np.zeros((2, 2, 2)), [1j, 2]),
    "profile": (3, "foo", THING, [], int, len, {"foo": 1.0}, [np.nan, 0.0], [1.0] * 5, ["a", "b"]),
    "times": ("foo", THING, [], int, len, -1, True, np.nan, [np.nan], [-1.0], ["a"], [[1.0]]),
    "penalty": ("foo", THING, int, len, -1, np.nan, np.inf, [1.0] * 5, [[1.0]], [-1.0, 1.0], 1j),
    "names": (3, True, THING, int, len, ["a"] * 2, ["a"] * 9, [], "foo", [THING, []]),
    "path": (3, 2.5, True, b"x", [], {}, THING, int, np.zeros(2), "a\0b", ""),
    "file": (3, 2.5, True, b"x", [], {}, THING, int, np.zeros(2), "a\0b"),
    "axes": (3, "foo", True, [], {}, THING, int, np.zeros(2)),
    "solver": (3, "cholesky", True, [], {}, THING, int, len),
    "executor": (3, "pool", True, [], {}, THING, ProcessPoolExecutor, int),
    "workers": (0, -2, 2.5, True, "foo", np.nan, [], THING),
    "shard": (3, "1/2", True, THING, (0, 2), (3, 2), (1,), (1.0, 2), (1, 2, 3)),
    "table": (3, "foo", True, [], THING, int, np.zeros(2), pd.DataFrame({"q": [1]})),
    "column": (*UNUSABLE[1:], "foo", -1, int),
    "columns": (3, THING, int, ["foo"], "foo", ["a", "a"], [[]], np.zeros((2, 2))),
    "targets": (3, THING, int, "foo"),
    "data": (3, "foo", THING, pd.DataFrame()),
    "options": (3,),
}


def wrong(kind: str) -> tuple:
    """The wrong values of a kind."""
    if kind.endswith("?"):
        return WRONG[kind[:-1]]
    return (None, *WRONG[kind])

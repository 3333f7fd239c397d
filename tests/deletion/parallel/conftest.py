"""Processes that several files of tests use: starting them takes longer than what they do."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two fresh processes, whose BLAS has two threads unless someone says otherwise."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENBLAS_NUM_THREADS", "2")
            list(executor.map(len, ["start", "both"]))
        yield executor

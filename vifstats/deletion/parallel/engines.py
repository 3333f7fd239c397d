"""Where blocks are computed: here, by joblib, or by anything that has `submit`."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any

from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.shared import InMessage, Shared, value_of
from vifstats.errors import InvalidInputError, InvalidTypeError

__all__ = ["Engine", "one_blas_thread"]

# Of an engine that hands results back in rounds, how many blocks a worker has in each.
BLOCKS_PER_ROUND = 4

# The number of a block and its rows; None from a machine that does not see the data.
Outcome = tuple[int, Rows | None]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One BLAS thread in this process: with more, the last bits of a product hang on how many.

    Without threadpoolctl, which comes with the extra ``parallel``, BLAS keeps the threads it has.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_blas_thread():
    ...     {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    {1}
    """
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        yield
        return
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@dataclass(frozen=True)
class Engine:
    """Who computes.

    Raises InvalidInputError, InvalidTypeError if both are given, `n_jobs` is no number of workers,
    or `executor` has no ``submit``.

    Examples
    --------
    >>> Engine(n_jobs=2, executor=print)
    Traceback (most recent call last):
    vifstats.errors.InvalidInputError: Either `n_jobs` or `executor` says who computes, but both \
are given; leave one out.
    """

    # Workers, through joblib; default what ``joblib.parallel_config`` says, else 1
    n_jobs: int | None = None
    # Has ``submit(function, *args)``, which returns a future
    executor: Any = None

    def __post_init__(self) -> None:
        if self.n_jobs is not None and self.executor is not None:
            raise InvalidInputError(
                "Either `n_jobs` or `executor` says who computes, but both are given; leave one "
                "out."
            )
        if self.executor is not None and not callable(getattr(self.executor, "submit", None)):
            raise InvalidTypeError(
                "`executor` must have a method `submit`, as a pool of concurrent.futures has, but "
                f"is {type(self.executor).__name__}; of Dask, pass `client.get_executor()`."
            )
        if self.n_jobs is not None and not (isinstance(self.n_jobs, Integral) and self.n_jobs):
            raise InvalidInputError(
                "`n_jobs` must be a number of workers, or -1 for one on each core, but is "
                f"{self.n_jobs!r}."
            )

    def run(
        self, blocks: Blocks, which: Sequence[int], folder: Path | None = None
    ) -> Generator[tuple[int, Rows], None, None]:
        """Compute some blocks, within `one_blas_thread`; yield each, numbered, as it finishes.

        ``folder`` is one that all workers see, if there is any: the data are put there for them.
        """
        unseen: list[int] = []
        with TemporaryDirectory(dir=folder, prefix=".data-") as shelf:
            shared = Shared(blocks, Path(shelf))
            yield from self._seen(shared, which, unseen)
            if unseen:
                yield from self._seen(shared.in_message(), unseen, [])

    def _seen(
        self, shared: Shared | InMessage, which: Sequence[int], unseen: list[int]
    ) -> Iterator[tuple[int, Rows]]:
        for k, rows in self._outcomes(shared, which):
            if rows is None:
                unseen.append(k)
            else:
                yield k, rows

    def _outcomes(self, shared: Shared | InMessage, which: Sequence[int]) -> Iterator[Outcome]:
        if self.executor is None:
            return _by_joblib(self.n_jobs, shared, which)
        return _by_submit(self.executor, shared, which)


def _block(shared: Shared | InMessage, k: int) -> Outcome:
    """What a worker does."""
    if isinstance(shared, Shared):  # not sent: the caller has BLAS at one thread for all of it
        with _TURNS:
            return k, shared.value(k)
    try:
        blocks = value_of(shared)
    except FileNotFoundError:
        return k, None
    with _TURNS, one_blas_thread():
        return k, blocks(k)


# Threads of one process take turns: autograd keeps its traces, BLAS its number of threads, for all.
_TURNS = RLock()


def _by_joblib(
    n_jobs: int | None, shared: Shared | InMessage, which: Sequence[int]
) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    try:
        parallel = Parallel(n_jobs, return_as="generator_unordered")
    except ValueError:  # the backends of multiprocessing and Ray have lists only
        yield from _in_rounds(n_jobs, shared, which)
    else:
        yield from parallel(delayed(_block)(shared, k) for k in which)


def _in_rounds(
    n_jobs: int | None, shared: Shared | InMessage, which: Sequence[int]
) -> Iterator[Outcome]:
    from joblib import Parallel, delayed, effective_n_jobs

    size = BLOCKS_PER_ROUND * effective_n_jobs(n_jobs)
    with Parallel(n_jobs) as parallel:
        for start in range(0, len(which), size):
            some = which[start : start + size]
            yield from parallel(delayed(_block)(shared, k) for k in some)


def _by_submit(
    executor: Any, shared: Shared | InMessage, which: Sequence[int]
) -> Iterator[Outcome]:
    """In the order they finish: futures of all kinds have a callback, not all are those that
    `concurrent.futures.as_completed` takes."""
    finished: SimpleQueue = SimpleQueue()
    futures = []
    try:
        for k in which:
            futures.append(executor.submit(_block, shared, k))
            futures[-1].add_done_callback(finished.put)
        for _ in futures:
            yield finished.get().result()
    finally:
        for future in futures:
            future.cancel()

"""Where blocks are computed: here, by copies, by joblib, or by anything that has `submit`."""

import inspect
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import current_process
from numbers import Integral
from pathlib import Path
from pickle import PicklingError
from queue import SimpleQueue
from threading import Lock, RLock, get_ident
from typing import Any
from warnings import catch_warnings, simplefilter

from vifstats.deletion.parallel.blocks import Blocks, Rows
from vifstats.deletion.parallel.copies import Inherited, can_copy, copies
from vifstats.deletion.parallel.shared import InMessage, Shared, value_of
from vifstats.errors import InvalidInputError, InvalidTypeError, VifError

__all__ = ["Engine", "one_blas_thread"]

# Of an engine that hands results back in rounds, how many blocks a worker has in each.
BLOCKS_PER_ROUND = 4

# The number of a block and its rows; None from a machine that does not see the data.
Outcome = tuple[int, Rows | None]
Outcomes = Generator[Outcome, None, None]


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
    with _BLAS.held(threadpool_limits):
        yield


class _Limit:
    """One limit for the process: the thread that sets it lifts it, when its last call ends.

    Were each call to set and restore it, the second would keep one thread as what was there before.
    And another thread could not lift it: OpenBLAS (0.3.30) heeds only the one that set it first.
    Calls of other threads have the limit for as long as it is there.
    """

    def __init__(self) -> None:
        self._lock, self._setter, self._calls, self._limits = Lock(), 0, 0, ExitStack()

    @contextmanager
    def held(self, limits: Callable[..., Any]) -> Iterator[None]:
        with self._lock:
            if not self._calls:
                self._setter = get_ident()
                self._limits.enter_context(limits(limits=1, user_api="blas"))
            mine = self._setter == get_ident()
            self._calls += mine
        try:
            yield
        finally:
            with self._lock:
                self._calls -= mine
                if mine and not self._calls:
                    self._limits.close()


_BLAS = _Limit()


@dataclass(frozen=True)
class Engine:
    """Who computes.

    Raises InvalidInputError, InvalidTypeError if both are given, `n_jobs` is not a number of
    workers, or `executor` has no ``submit``.

    Examples
    --------
    >>> Engine(n_jobs=2, executor=print)
    Traceback (most recent call last):
    vifstats.errors.InvalidInputError: Either `n_jobs` or `executor` says who computes, but both \
are given; leave one out.
    """

    # Workers: this process and copies of it where it can be copied, else joblib's; default what
    # ``joblib.parallel_config`` says, else 1
    n_jobs: int | None = None
    # Has ``submit(function, *args)``, which returns a future
    executor: Any = None

    def __post_init__(self) -> None:
        if self.n_jobs is not None and self.executor is not None:
            raise InvalidInputError(
                "Either `n_jobs` or `executor` says who computes, but both are given; leave one "
                "out."
            )
        submit = getattr(self.executor, "submit", None)
        if self.executor is not None and (inspect.isclass(self.executor) or not callable(submit)):
            raise InvalidTypeError(
                "`executor` must have a method `submit`, as a pool of concurrent.futures has, but "
                f"is {self._described}; of Dask, pass `client.get_executor()`."
            )
        if self.n_jobs is not None and not _are_workers(self.n_jobs):
            raise InvalidInputError(
                "`n_jobs` must be a number of workers, or -1 for one on each core, but is "
                f"{self.n_jobs!r:.60}; pass one of these."
            )

    @property
    def _described(self) -> str:
        if inspect.isclass(self.executor):
            return f"the class {self.executor.__name__}, not one made of it"
        return type(self.executor).__name__

    @cached_property
    def copies(self) -> int:
        """How many copies of this process are the workers; 0 where others are."""
        if self.n_jobs in (None, 1) or not can_copy():
            return 0
        if self.n_jobs > 0 and _nothing_chosen():
            return int(self.n_jobs)
        from joblib import effective_n_jobs
        from joblib.parallel import get_active_backend

        own = type(get_active_backend()[0]).__name__ != "LokyBackend"  # a user has chosen another
        return 0 if own else effective_n_jobs(self.n_jobs)

    @property
    def _alone(self) -> bool:
        """Whether this process computes, and nobody else."""
        unsaid = self.n_jobs is None and self.executor is None and _nothing_chosen()
        return unsaid or self.n_jobs == 1

    def run(
        self, blocks: Blocks, which: Sequence[int], folder: Path | None = None
    ) -> Generator[tuple[int, Rows], None, None]:
        """Compute some blocks, within `one_blas_thread`; yield each, numbered, as it finishes.

        ``folder`` is one that all workers see, if there is any: the data are put there for them.
        """
        if self._alone:
            yield from ((k, _here(blocks, k)) for k in which)
            return
        if (n := min(self.copies, len(which))) > 1:
            if folder is None:
                yield from self._seen(_beside_copies(n - 1, blocks, which), [])
            else:  # this process only writes: what is finished is kept at once
                with copies(n, blocks) as (pool, inherited):
                    yield from self._seen(_by_submit(pool, inherited, which), [])
            return
        unseen: list[int] = []
        with Shared(blocks, folder) as shared:
            yield from self._seen(self._outcomes(shared, which), unseen)
            if unseen:
                yield from self._seen(self._outcomes(shared.in_message(), unseen), [])

    def _seen(self, found: Outcomes, unseen: list[int]) -> Generator[tuple[int, Rows], None, None]:
        with closing(found) as outcomes:
            for k, rows in outcomes:
                if rows is None:
                    unseen.append(k)
                else:
                    yield k, rows

    def _outcomes(self, shared: Shared | InMessage, which: Sequence[int]) -> Outcomes:
        if self.executor is None:
            return _by_joblib(self.n_jobs, shared, which)
        return _by_submit(self.executor, shared, which)


def _nothing_chosen() -> bool:
    """Whether nobody can have told joblib what to use: it is not in memory.

    To load it takes as long as hundreds of refits.
    """
    told = "joblib" in sys.modules or "JOBLIB_MULTIPROCESSING" in os.environ
    return not told and not current_process().daemon


def _here(blocks: Blocks, k: int) -> Rows:
    """A block by this process, where the caller has BLAS at one thread for all of them."""
    with _TURNS:
        return blocks(k)


def _block(shared: Shared | InMessage | Inherited, k: int) -> Outcome:
    """What a worker does."""
    if isinstance(shared, Shared):  # not sent
        return k, _here(shared.value, k)
    try:
        blocks = value_of(shared)
    except OSError:  # not seen from here, or another in its place
        return k, None
    with _TURNS, one_blas_thread():
        return k, blocks(k)


# Threads of one process take turns: autograd keeps its traces, BLAS its number of threads, for all.
_TURNS = RLock()


def _are_workers(n_jobs: Any) -> bool:
    whole = isinstance(n_jobs, Integral) and not isinstance(n_jobs, bool)
    return whole and (n_jobs == -1 or n_jobs > 0)


def _by_joblib(n_jobs: int | None, shared: Shared | InMessage, which: Sequence[int]) -> Outcomes:
    from joblib import Parallel, delayed

    try:
        parallel = Parallel(n_jobs, return_as="generator_unordered")
    except ValueError:  # the backends of multiprocessing and Ray have lists only
        yield from _in_rounds(n_jobs, shared, which)
    else:
        outcomes = parallel(delayed(_block)(shared, k) for k in which)
        try:
            for outcome in outcomes:  # noqa: UP028  # `yield from` would pass the end on to joblib
                yield outcome
        except PicklingError as error:  # joblib's, around whatever kept the data from being written
            inner: BaseException | None = error
            while inner is not None and not isinstance(inner, VifError):
                inner = inner.__cause__ or inner.__context__
            if inner is not None:
                raise inner from None
            if isinstance(shared, Shared):
                shared.__reduce__()  # joblib may drop what was raised: raise it again
            raise
        finally:
            _close(outcomes)


def _close(outcomes: Any) -> None:
    """Stop joblib, without its advice on tasks that an error or an interrupt has made useless."""
    with catch_warnings():
        simplefilter("ignore", UserWarning)
        outcomes.close()


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
    executor: Any, shared: Shared | InMessage | Inherited, which: Sequence[int]
) -> Outcomes:
    """Outcomes in the order they finish. Futures of every kind have callbacks, but
    `concurrent.futures.as_completed` accepts only its own kind."""
    finished: SimpleQueue = SimpleQueue()
    futures = []
    try:
        for k in which:
            futures.append(_submitted(executor, shared, k))
            futures[-1].add_done_callback(finished.put)
        for _ in futures:
            yield finished.get().result()
    finally:
        for future in futures:
            future.cancel()


def _beside_copies(n: int, blocks: Blocks, which: Sequence[int]) -> Outcomes:
    """Outcomes of n copies of this process and of itself, in the order they finish.

    A copy has a block that waits besides the one in hand, so that it need not wait for this
    process; and this process has memory at hand, where a copy has to get its own.
    """
    left, finished = deque(which), SimpleQueue[Future[Outcome]]()

    def following() -> int | None:
        with suppress(IndexError):  # asked by two threads
            return left.popleft()
        return None

    with copies(n, blocks) as (pool, inherited):

        def hand_out() -> None:
            if (k := following()) is not None:
                pool.submit(_block, inherited, k).add_done_callback(taken)

        def taken(done: Future[Outcome]) -> None:
            finished.put(done)
            if done.exception() is None:
                with suppress(RuntimeError):  # the pool is broken, which others say, or closed
                    hand_out()

        try:
            for _ in range(2 * n):
                hand_out()
            for _ in which:
                own = following() if finished.empty() else None
                yield finished.get().result() if own is None else (own, _here(blocks, own))
        finally:
            left.clear()


def _submitted(executor: Any, shared: Shared | InMessage | Inherited, k: int) -> Any:
    try:
        return executor.submit(_block, shared, k)
    except (BrokenExecutor, VifError):
        raise
    except Exception as error:  # each library has its own for an executor that is closed
        raise InvalidInputError(
            f"`executor` must take tasks, but {type(executor).__name__} does not ({error}); pass "
            "one that is open."
        ) from error

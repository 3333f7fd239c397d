"""Workers that are copies of this process (fork): there at once, with data and all made of them.

Other workers begin as a new Python, which imports everything and makes again what a loss keeps of
all data: seconds, for each of them.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing import get_context
from typing import Any
from warnings import catch_warnings, simplefilter

__all__ = ["Inherited", "can_copy", "copies"]

# They run threads of their own, which a copy does not have, and would wait for.
THREADED = {"jax", "tensorflow", "torch"}
# Of Linux's prctl: the signal that comes with the end of the parent.
PR_SET_PDEATHSIG = 1


def can_copy() -> bool:
    """Whether a copy of this process can compute as it does.

    A copy has one thread, and what another one held at that moment is held for ever. So there must
    be none of Python's, as notebooks have, and no library with threads but OpenBLAS, which stops
    its own for the copy.
    """
    if sys.platform != "linux" or threading.active_count() > 1 or THREADED & sys.modules.keys():
        return False
    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        return False
    return all(pool["internal_api"] == "openblas" for pool in threadpool_info())


@dataclass(frozen=True)
class Inherited:
    """A value that copies have from the start: what travels with a task is its number."""

    number: int

    def read(self) -> Any:
        """The value."""
        return _VALUES[self.number]


_VALUES: dict[int, Any] = {}
_NUMBERS = count()


@contextmanager
def copies(n: int, value: Any) -> Iterator[tuple[ProcessPoolExecutor, Inherited]]:
    """An executor of n copies of this process, and the value in them."""
    inherited, begin = Inherited(next(_NUMBERS)), partial(_begin, os.getpid())
    _VALUES[inherited.number] = value
    try:
        with ProcessPoolExecutor(n, get_context("fork"), initializer=begin) as pool:
            with _later(signal.SIGINT), catch_warnings():
                # Python 3.12 counts the threads of BLAS and Arrow, which sleep
                simplefilter("ignore", DeprecationWarning)
                pool.submit(int)  # the first task starts all workers
            yield pool, inherited
    finally:
        del _VALUES[inherited.number]


@contextmanager
def _later(number: signal.Signals) -> Iterator[None]:
    """Hold a signal back: of workers that start meanwhile nobody would know that they must end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: int) -> None:
    """Leave interrupts to the process that was copied, and end when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before
        os._exit(1)

"""How long a call takes and how much memory it needs at most.

Seconds are CPU time of this process, on one thread: what else the machine does matters little.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

__all__ = ["Timing", "peak_memory", "timed"]

# Runs: three at least, more while they fit in so many seconds; one if it takes longer than LONG.
SECONDS, LONG, MOST = 5.0, 20.0, 15


@dataclass(frozen=True)
class Timing:
    """A median.

    Attributes
    ----------
    seconds : float
    runs : int
    """

    seconds: float
    runs: int


def timed(call: Callable[[], Any], least: int = 3) -> Timing:
    """The median time of a call."""
    times = [_once(call)]
    if times[0] > LONG:
        return Timing(times[0], 1)
    runs = min(MOST, max(least, int(SECONDS / times[0])))
    times += [_once(call) for _ in range(runs - 1)]
    return Timing(median(times), runs)


def peak_memory(call: Callable[[], Any]) -> int:
    """Bytes allocated at most during a call, beyond what was there: of Python and NumPy."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def _once(call: Callable[[], Any]) -> float:
    begin = process_time()
    call()
    return process_time() - begin

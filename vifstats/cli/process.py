"""What the command is to the system: a process that may have no output, and may be asked to end."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

__all__ = ["Terminated", "open_descriptors", "terminated_as_interrupted"]


class Terminated(KeyboardInterrupt):
    """SIGTERM: as an interrupt, but told apart."""


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Asked to end, the work is left as at an interrupt, with nothing half-written behind it."""
    ignored = signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.default_int_handler)
    if ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated


def open_descriptors() -> None:
    """If input, output or errors are closed, keep files opened later from taking their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free

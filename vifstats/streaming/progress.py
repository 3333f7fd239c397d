"""A progress bar, which may be watched or not, but never ends the work it counts."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(total: int, unit: str, *, shown: bool, initial: int = 0) -> "tqdm":
    """A bar on standard error, if there is one and it is `shown`; used with ``with``."""
    from tqdm import tqdm  # not tqdm.auto, which warns in a notebook without ipywidgets

    class Bar(tqdm):
        monitor_interval = 0  # without a thread of its own, for which no process could be copied

    return Bar(
        total=total,
        initial=initial,
        unit=unit,
        desc=f"{unit}s",
        disable=not shown or sys.stderr is None,
        file=_Unheeded(sys.stderr),
    )


class _Unheeded:
    """A stream whose failures, as of a disk that is full or a closed terminal, are nobody's."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: closed
            if self._stream is not None:
                self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

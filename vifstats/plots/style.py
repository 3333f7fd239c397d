"""What all pictures share: colours, a quiet frame, rows named, many points as one image."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from vifstats import checks
from vifstats.checks.text import legible

__all__ = [
    "BLUE",
    "FAINT",
    "HARRELL",
    "INK",
    "ORANGE",
    "RASTERISED_FROM",
    "axes_for",
    "called",
    "dots",
    "largest",
    "name_rows",
    "plain",
    "position",
    "ratio_axis",
    "whole",
]

# Okabe & Ito's blue and vermilion: told apart with every kind of colour vision, and in print.
BLUE, ORANGE, INK, FAINT = "#0072b2", "#d55e00", "#222222", "#8a8a8a"
# Beyond this many points a vector picture is slower and larger than an image of them.
RASTERISED_FROM = 300
# |dfbetas| to look at twice, by Harrell's convention.
HARRELL = 0.2
# A character and a line of a label, as parts of the width and the height of a picture.
CHARACTER, LINE = 0.025, 0.075
# Longer names leave no room for the picture.
MOST_CHARACTERS = 28


def axes_for(ax: Any = None, n_labels: int = 0) -> Any:
    """The Axes to draw into, a new one if none is given, without the upper and right line.

    `n_labels`: how many rows will be named, looked at before a figure is made.
    """
    checks.whole_number(n_labels, "n_labels")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    from matplotlib.axes import Axes

    checks.instance(ax, Axes, "ax", "plt.subplots()[1]")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def called(label: Any) -> str:
    """A row's label, or a parameter's name, as text: its ends, where all of it has no room.

    `label`: of several levels, a tuple.

    Examples
    --------
    >>> called(("site 3", 17))
    'site 3, 17'
    >>> called("probability_of_readmission_within_30_days")
    'probability_o…ithin_30_days'
    """
    text = legible(whole(label))
    if len(text) <= MOST_CHARACTERS:
        return text
    end = (MOST_CHARACTERS - 1) // 2
    return f"{text[:end]}\N{HORIZONTAL ELLIPSIS}{text[-end:]}"


def whole(label: Any) -> str:
    """All of it, by which it is found in the data."""
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def plain(text: Any) -> str:
    """Text in which a dollar sign is one, and not the start of a formula.

    Examples
    --------
    >>> print(plain("cost ($)"))
    cost (\\$)
    """
    return legible(str(text), keep="\n").replace("$", r"\$")


def dots(ax: Any, x: np.ndarray, y: np.ndarray, **options: Any) -> None:
    """Points: vectors if they are few, an image if they are many.

    `x`, `y` (n,); **options: of ``Axes.plot``.
    """
    many = len(x) > RASTERISED_FROM
    look = {"linestyle": "none", "marker": "o", "markersize": 2.2 if many else 3.2}
    look |= {"color": BLUE, "markeredgewidth": 0.0, "alpha": 0.75}
    ax.plot(x, y, rasterized=many, **(look | options))


def name_rows(
    ax: Any,
    x: np.ndarray,
    y: np.ndarray,
    labels: Any,
    rows: Iterable[int],
    radius: np.ndarray | None = None,
) -> None:
    """Write the user's label beside some rows, the first first, where there is room for it.

    `x`, `y` (n,); `labels` (n,); `rows`: positions of the rows to name; `radius` (n,): of each
    point, in points of print, where it matters.
    """
    taken: list[tuple[float, float, float]] = []
    for i in rows:
        u, v = _fraction(x, i), _fraction(y, i)
        right, text = u <= 0.5, called(labels[i])
        away = 4 if radius is None else 2 + radius[i]
        middle = u + (1 if right else -1) * CHARACTER * len(text) / 2
        if any(_overlap((middle, v, len(text)), other) for other in taken):
            continue
        taken.append((middle, v, len(text)))
        ax.annotate(
            plain(text),
            (x[i], y[i]),
            xytext=(away if right else -away, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize="small",
            color=ax.xaxis.label.get_color(),  # legible on what the theme draws on
        )


def _fraction(values: np.ndarray, i: int) -> float:
    low, high = np.nanmin(values), np.nanmax(values)
    return float((values[i] - low) / (high - low)) if high > low else 0.5


def _overlap(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    width = CHARACTER * (one[2] + other[2] + 2) / 2
    return abs(one[0] - other[0]) < width and abs(one[1] - other[1]) < LINE


def largest(values: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n values of largest size, without those that are nan or 0.

    Shapes: `values` (n_rows,).
    """
    size = np.nan_to_num(np.abs(values), nan=0.0)
    order = np.argsort(-size, kind="stable")[:n]
    return order[size[order] > 0]


def position(names: Sequence[str], name: str | None) -> int:
    """Which parameter is meant; None means the only one there is.

    Raises InvalidInputError if there is no such parameter, or several and none is named.

    Examples
    --------
    >>> position(["age", "sex"], "sex")
    1
    """
    names = list(names)
    if name is None and len(names) == 1:
        return 0
    return names.index(checks.one_of(name, names, "name"))


def ratio_axis(ax: Any) -> None:
    """A logarithmic axis with plain numbers: 0.5, 1, 2."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    subs = (1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0)
    ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    if len([t for t in ax.get_xticks() if low <= t <= high]) < 3:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())

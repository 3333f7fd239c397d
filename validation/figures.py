"""Pictures of the suite, in the style of the package's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from validation.experiment import Figure
from vifstats.plots import as_svg
from vifstats.plots.style import BLUE, FAINT, INK, ORANGE, axes_for

__all__ = ["dots", "lines", "points"]

LOOKS = [(BLUE, "-"), (ORANGE, "-"), (INK, "-"), (FAINT, "-"), (BLUE, "--"), (ORANGE, "--")]
DOTS = [(ORANGE, "X"), (BLUE, "o"), (INK, "s"), (FAINT, "D")]
SIZE = (5.4, 3.2)


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    alt: str,
    how: str,
    logx: bool = False,
    logy: bool = False,
) -> Figure:
    """Curves with a legend."""

    def draw(ax: Any) -> None:
        axes_for(ax)
        for (name, (x, y)), (colour, style) in zip(curves.items(), LOOKS, strict=False):
            ax.plot(x, y, color=colour, linestyle=style, marker="o", markersize=3, label=name)
        _finish(ax, xlabel, ylabel, logx, logy)
        ax.legend(frameon=False, fontsize="small")

    return Figure(as_svg(draw, size=SIZE), alt, how)


def dots(
    lines: Sequence[str],
    values: Mapping[str, Sequence[float | None]],
    *,
    xlabel: str,
    alt: str,
    how: str,
) -> Figure:
    """A line for each case, with a dot for each of several kinds of value, by powers of ten."""
    places = range(len(lines))

    def draw(ax: Any) -> None:
        axes_for(ax)
        for (name, x), (colour, marker) in zip(values.items(), DOTS, strict=True):
            known = [k for k in places if x[k] is not None]
            at = [x[k] for k in known]
            ax.plot(at, known, marker, color=colour, markersize=5, alpha=0.85, label=name)
        _finish(ax, xlabel, "", True, False)
        ax.set_yticks(list(places), lines)
        ax.set_ylim(len(lines) - 0.5, -0.5)
        ax.grid(axis="y", linewidth=0.3)
        ax.legend(frameon=False, fontsize="small", loc="upper center", ncols=4)
        ax.legend_.set_bbox_to_anchor((0.4, 1.12))

    return Figure(as_svg(draw, size=(6.4, 0.42 * len(lines) + 0.9)), alt, how)


def points(
    x: Sequence[float],
    y: Sequence[float],
    *,
    xlabel: str,
    ylabel: str,
    alt: str,
    how: str,
    logx: bool = False,
    logy: bool = False,
) -> Figure:
    """One cloud of points."""

    def draw(ax: Any) -> None:
        axes_for(ax)
        ax.plot(x, y, linestyle="none", marker="o", markersize=2.5, color=BLUE, alpha=0.7)
        _finish(ax, xlabel, ylabel, logx, logy)

    return Figure(as_svg(draw, size=SIZE), alt, how)


def _finish(ax: Any, xlabel: str, ylabel: str, logx: bool, logy: bool) -> None:
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if logx:
        ax.set_xscale("log")
    if logy:
        ax.set_yscale("log")

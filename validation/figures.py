"""Pictures of the suite, in the style of the package's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from validation.experiment import Figure
from vifstats.plots import as_svg
from vifstats.plots.style import BLUE, FAINT, INK, ORANGE, axes_for

__all__ = ["lines", "points"]

LOOKS = [(BLUE, "-"), (ORANGE, "-"), (INK, "-"), (FAINT, "-"), (BLUE, "--"), (ORANGE, "--")]
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

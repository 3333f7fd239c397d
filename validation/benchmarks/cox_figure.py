"""The picture of the benchmark: time and memory against n, time against p, ties and entry."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from contenders import CONTENDERS
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["draw"]

# One colour for each method, in every panel.
COLOURS = {contender.name: f"C{k}" for k, contender in enumerate(CONTENDERS)}


def draw(lines: pd.DataFrame, file: Path) -> None:
    """Four panels, log-log."""
    figure = Figure(figsize=(11, 8.6), layout="constrained")
    (against_n, against_p), (vif, memory) = figure.subplots(2, 2)
    by_n = lines[lines["family"] == "n"]
    _curves(against_n, by_n, "n", "method")
    base = by_n.drop_duplicates("n")
    against_n.loglog(base["n"], base["baseline"], "k:", label="sort, gather, cumulative sum")
    against_n.set(title="ten covariates, no ties", xlabel="rows", ylabel="CPU seconds")

    middle = lines.loc[lines["family"] == "p", "n"].iloc[0]
    by_p = lines[lines["family"].isin(["n", "p"]) & (lines["n"] == middle)]
    _curves(against_p, by_p.sort_values("p"), "p", "method")
    against_p.set(title=f"{middle:,} rows", xlabel="covariates", ylabel="CPU seconds")
    against_p.set_xticks(widths := sorted(by_p["p"].unique()), widths)
    against_p.minorticks_off()

    of_vif = lines[(lines["method"] == "vif") & lines["family"].isin(["n", "ties", "entry"])]
    names = {"n": "no ties", "ties": "3650 days", "entry": "delayed entry"}
    _curves(vif, of_vif.assign(family=of_vif["family"].map(names)), "n", "family")
    vif.set(title="vif, ten covariates", xlabel="rows", ylabel="CPU seconds")
    vif.legend(fontsize=7)

    _curves(memory, by_n.dropna(subset="memory_times_X"), "n", "method", "memory_times_X")
    memory.set(title="ten covariates, no ties", xlabel="rows", ylabel="peak extra memory / X")
    # the first panel has every method, the last only ours, in the same colours
    figure.legend(
        *against_n.get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False
    )
    figure.savefig(file, dpi=120, metadata={"Software": None})


def _curves(axes: Axes, lines: pd.DataFrame, x: str, each: str, y: str = "seconds") -> None:
    for name, some in lines.groupby(each, sort=False):
        colour = COLOURS.get(str(name))
        axes.loglog(some[x], some[y], color=colour, marker="o", markersize=3, label=name)

"""What was promised of Cox models when they were first built, beside what was measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["targets"]


def targets(lines: pd.DataFrame, large: int, middle: int) -> pd.DataFrame:
    """One line for each promise; nan where it was not measured.

    Parameters
    ----------
    lines : DataFrame
        What was measured.
    large, middle : int
        The sizes that stand for 1e6 and 1e5.
    """

    def of(column: str, method: str = "vif", **where: object) -> float:
        rows = lines[lines["method"] == method]
        for key, value in where.items():
            rows = rows[rows[key] == value]
        return float(rows[column].iloc[0]) if len(rows) else np.nan

    def seconds(method: str = "vif", **where: object) -> float:
        return of("seconds", method, **where)

    top = {"family": "n", "n": large}
    growth = seconds(**top) / seconds(family="n", n=large // 100)
    untied = seconds(**top)
    promised = [
        ("vif METABRIC, s", seconds(problem="METABRIC"), 0.004),
        ("vif SUPPORT, s", seconds(problem="SUPPORT"), 0.015),
        ("vif 1e5 x 10, s", seconds(family="n", n=middle), 0.10),
        ("vif 1e5 x 50, s", seconds(family="p", n=middle, p=50), 0.4),
        ("vif 1e6 x 10, s", untied, 0.9),
        ("vif 1e6 x 10, peak extra memory / X", of("memory_times_X", **top), 5.0),
        ("vif 1e6 x 10 / (sort, gather, cumulative sum)", of("times_baseline", **top), 6.0),
        ("vif of a loss 1e6 x 10, s", seconds("vif of a loss", **top), 0.9),
        (
            "vif of a loss 1e6 x 10, peak extra memory / X",
            of("memory_times_X", "vif of a loss", **top),
            5.0,
        ),
        ("vif growth exponent 1e4 to 1e6", float(np.log(growth) / np.log(100)), 1.15),
        ("vif 1e6 x 10, 3650 days / untied", seconds(family="ties", n=large) / untied, 1.5),
        ("vif 1e6 x 10, delayed entry / none", seconds(family="entry", n=large) / untied, 6.0),
        ("newton 1e5 x 10, s", seconds("newton", family="n", n=middle), 3.0),
        ("refit METABRIC, s", seconds("refit", problem="METABRIC"), 1.5),
        ("refit SUPPORT, s", seconds("refit", problem="SUPPORT"), 20.0),
    ]
    table = pd.DataFrame(promised, columns=["what", "measured", "at most"])
    met = np.where(table["measured"] <= table["at most"], "yes", "no")
    return table.assign(met=np.where(table["measured"].isna(), "not measured", met))

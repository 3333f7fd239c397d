"""How an influence agrees with refits of many targets at once: figures for each, then their means.

As the paper averages: for each target the figure over all removals, and then the mean over targets.
`vifstats.compare` gives each column by itself; here there are thousands.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["agreement"]


def agreement(a: np.ndarray, r: np.ndarray) -> dict[str, float]:
    """Figures of an approximation against a reference, means over columns.

    Parameters
    ----------
    a, r : ndarray, shape (n_removals, n_targets)
        Entries that are nan on either side are left out of their column, and counted.

    Returns
    -------
    dict of float
        ``pearson``, ``spearman``, ``slope`` = sum(a r) / sum(a a) and ``largest_relative_error`` =
        max|a - r| / max|r| are means over columns, ``least_pearson`` and ``worst_relative_error``
        those of the worst; ``left_out`` is the number of entries.
    """
    both = np.isfinite(a) & np.isfinite(r)
    whole = both.all(axis=0)
    groups = [np.flatnonzero(whole)] if whole.any() else []
    groups += [np.array([column]) for column in np.flatnonzero(~whole)]
    figures = []
    for columns in groups:
        rows = np.flatnonzero(both[:, columns[0]])
        figures.append(_figures(a[np.ix_(rows, columns)], r[np.ix_(rows, columns)]))
    table = pd.concat(figures)
    return {
        "pearson": float(table["pearson"].mean()),
        "least_pearson": float(table["pearson"].min()),
        "spearman": float(table["spearman"].mean()),
        "slope": float(table["slope"].mean()),
        "largest_relative_error": float(table["error"].mean()),
        "worst_relative_error": float(table["error"].max()),
        "removals": len(a),
        "targets": a.shape[1],
        "left_out": int((~both).sum()),
    }


def _figures(a: np.ndarray, r: np.ndarray) -> pd.DataFrame:
    """One line for each column."""
    ranks = [pd.DataFrame(side).rank().to_numpy() for side in (a, r)]
    return pd.DataFrame(
        {
            "pearson": _correlation(a, r),
            "spearman": _correlation(*ranks),
            "slope": (a * r).sum(axis=0) / (a * a).sum(axis=0),
            "error": np.abs(a - r).max(axis=0) / np.abs(r).max(axis=0),
        }
    )


def _correlation(a: np.ndarray, r: np.ndarray) -> np.ndarray:
    a, r = a - a.mean(axis=0), r - r.mean(axis=0)
    return (a * r).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (r * r).sum(axis=0))

"""An effect as it is written in every sentence."""

from typing import Any

from vifstats.reporting.numbers import coefficient, ratio

__all__ = ["effect"]


def effect(value: float, overview: dict[str, Any]) -> str:
    """A ratio or a coefficient.

    Parameters
    ----------
    value : float
    overview : dict
        Of the report.

    Returns
    -------
    str

    Examples
    --------
    >>> effect(0.68426, {"ratio": True})
    '0.684'
    """
    return ratio(value) if overview["ratio"] else coefficient(value)

"""Events by their level: codes, causes of competing risks, and Fine and Gray's model of one."""

import argparse
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from vifstats.cli.cox_table import CoxColumns
from vifstats.datasets import require_columns
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import FineGray

__all__ = ["coded_causes", "coded_events", "fit_fine_gray", "require_cause_options"]

# What a column of causes holds where follow-up ended without an event.
CENSORED = ("0", "censored", "none", "alive")
# Options of Cox models that Fine and Gray's has not.
NOT_OF_FINE_GRAY = {"strata": (), "entry": None, "penalizer": 0.0, "penalty": None}


def require_cause_options(args: argparse.Namespace) -> None:
    """Raise where options of competing risks do not go together."""
    if args.cause is None:
        if args.fine_gray:
            raise InvalidInputError(
                "--fine-gray is of competing risks, but there is no --cause; name the column of "
                "causes with --cause."
            )
        if args.of is not None and args.event is None:
            raise InvalidInputError(
                "--of is a level of a column, but none is named; name it with --event, or with "
                "--cause if it holds competing causes."
            )
        return
    if args.file is None:
        raise InvalidInputError(
            "--cause names a column of a file, but no file is given; rossi has one cause."
        )
    if args.event is not None:
        raise InvalidInputError(
            "--cause says which event ended follow-up, so --event has nothing to add, but both "
            "are given; leave --event out."
        )
    if args.of is None:
        raise InvalidInputError(
            "--cause needs --of: which of the causes the model is of, such as --of 1."
        )
    asked = [f"--{name}" for name, no in NOT_OF_FINE_GRAY.items() if getattr(args, name) != no]
    if args.fine_gray and (asked or args.ties == "exact"):
        raise InvalidInputError(
            f"--fine-gray has no {' and no '.join(asked or ['--ties exact'])}; leave it out, or "
            "fit the cause-specific model without --fine-gray."
        )


def coded_causes(table: pd.DataFrame, cause: str, of: str) -> pd.DataFrame:
    """The table with its causes as 0 censored, 1 the one asked for, 2 others; missing stay so.

    Raises InvalidInputError if there is no such column, it has no such level, or none that says
    censored.
    """
    values, found = _levels(table, cause)
    censored = [level for level in found if level.lower() in CENSORED]
    _require_level(of, f"a cause in {cause!r}", [x for x in found if x not in censored])
    words = values.to_numpy()
    codes = np.where(values.isin(censored), 0.0, np.where(words == of, 1.0, 2.0))
    return table.assign(**{cause: np.where(values.isna(), np.nan, codes)})


def coded_events(table: pd.DataFrame, event: str, of: str) -> pd.DataFrame:
    """The table with its events as 1 at this level, 0 at all others; missing stay so.

    Raises InvalidInputError if there is no such column, or it has no such level.
    """
    values, found = _levels(table, event)
    _require_level(of, f"a level of {event!r}", found)
    return table.assign(**{event: np.where(values.isna(), np.nan, values.to_numpy() == of)})


def _levels(table: pd.DataFrame, column: str) -> tuple[pd.Series, list[str]]:
    require_columns(table, [column])
    values = table[column].map(_word, na_action="ignore")
    return values, [str(level) for level in pd.unique(values.dropna())]


def _require_level(of: str, what: str, levels: list[str]) -> None:
    if of not in levels:
        close = get_close_matches(of, levels) or levels[:10]
        raise InvalidInputError(
            f"--of must be {what}, but is {of!r}; did you mean {' or '.join(map(repr, close))}?"
        )


def _word(value: Any) -> str:
    """A level as it is typed: 1 for 1.0."""
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value).strip()


def fit_fine_gray(
    frame: pd.DataFrame, columns: CoxColumns, cause: np.ndarray, ties: str, groups: Any
) -> Estimate:
    """Fine and Gray's model of a `checked_frame`, with robust errors: its weights are estimated."""
    X = frame[[n for n in frame if n not in (columns.time, columns.event, columns.weights)]]
    loss = FineGray(
        X,
        frame[columns.time],
        cause,
        ties=ties,
        weights=None if columns.weights is None else frame[columns.weights],
    )
    est = minimize(loss, np.zeros(loss.n_params), groups=groups)
    return est.with_inference("robust")

"""Competing risks of a table: the column of causes, and Fine and Gray's model of one of them."""

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

__all__ = ["coded_causes", "fit_fine_gray", "require_cause_options"]

# What a column of causes holds where follow-up ended without an event.
CENSORED = ("0", "censored", "none", "alive")
# Options of Cox models that Fine and Gray's has not.
NOT_OF_FINE_GRAY = {"strata": (), "entry": None, "penalizer": 0.0, "penalty": None}


def require_cause_options(args: argparse.Namespace) -> None:
    """Raise where options of competing risks do not go together."""
    if args.cause is None:
        given = [name for name, on in (("--of", args.of), ("--fine-gray", args.fine_gray)) if on]
        if given:
            raise InvalidInputError(
                f"{given[0]} is of competing risks, but there is no --cause; name the column of "
                "causes with --cause."
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
    require_columns(table, [cause])
    values = table[cause].map(_word, na_action="ignore")
    found = [str(level) for level in pd.unique(values.dropna())]
    censored = [level for level in found if level.lower() in CENSORED]
    if of in censored or of not in found:
        causes = [level for level in found if level not in censored]
        close = get_close_matches(of, causes) or causes[:10]
        raise InvalidInputError(
            f"--of must be a cause in {cause!r}, but is {of!r}; did you mean "
            f"{' or '.join(map(repr, close))}?"
        )
    words = values.to_numpy()
    codes = np.where(values.isin(censored), 0.0, np.where(words == of, 1.0, 2.0))
    return table.assign(**{cause: np.where(values.isna(), np.nan, codes)})


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

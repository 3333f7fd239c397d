"""From arguments to a fitted model: the table, the part each column plays, the estimate."""

import argparse
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from vifstats.adapters import from_model
from vifstats.checks.text import legible
from vifstats.cli.causes import (
    coded_causes,
    coded_events,
    fit_fine_gray,
    require_cause_options,
)
from vifstats.cli.cox_table import (
    FIRST_UNNAMED,
    CoxColumns,
    checked_frame,
    finite_optimum,
    fit_frame,
)
from vifstats.cli.designs import complete_rows, used_in, with_formula, with_levels
from vifstats.cli.regressions import RegressionColumns, checked_design, fit_design, fit_firth
from vifstats.datasets import load_rossi, read_table, require_columns
from vifstats.errors import InvalidInputError
from vifstats.estimate import Estimate, minimize
from vifstats.losses import Cox

__all__ = ["Model", "cox_model", "regression_model"]

# One line of warning.
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """What was fitted: how it is called, the estimate, and what is said of it in files."""

    title: str
    estimate: Estimate
    groups: str | None
    context: dict[str, Any]


def cox_model(args: argparse.Namespace, tell: Tell) -> Model:
    """The Cox model, or Fine and Gray's, that the arguments ask for."""
    require_cause_options(args)
    args.event = args.cause or args.event
    if args.file is None:
        table, name = load_rossi(), "rossi, bundled with lifelines"
        args.time, args.event = args.time or "week", args.event or "arrest"
    elif args.time is None or args.event is None:
        raise InvalidInputError(
            "A file needs --time and --event: the columns of the time and of the event (1, or 0 "
            "for censored) with which follow-up ends."
        )
    else:
        table, name = _read(args)
    if args.cause is not None:
        table = coded_causes(table, args.cause, args.of)
    elif args.of is not None:
        table = coded_events(table, args.event, args.of)
    parts = (args.covariates, args.strata, args.weights, args.entry, args.groups, args.id_col)
    columns = CoxColumns(args.time, args.event, *parts, cluster=args.cluster)
    table = columns.labelled(table)
    if not (args.formula or args.categorical):
        _warn_of_identifiers(columns.like_identifiers(table), tell)
    numbered = _numbered(table)
    table, covariates = _designed(args, table, columns, tell)
    columns = replace(columns, covariates=covariates)
    causes = table[columns.event].to_numpy()
    if args.cause is not None:
        table = table.assign(**{args.cause: np.where(causes == 2, 0.0, causes)})
    frame = checked_frame(table, columns, penalizer=args.penalizer)
    groups = None if columns.groups is None else table[columns.groups]
    with finite_optimum():
        if args.fine_gray:
            est = fit_fine_gray(frame, columns, causes, args.ties, groups)
        else:
            est = _cox_estimate(args, table, frame, columns, groups)
    est = _with_errors(args, est, table)
    events = int(frame[columns.event].sum())
    context = {"data": name, "n_rows": len(frame), "n_events": events, **vars(columns)}
    context |= {"covariates": est.names}
    what = f"{est.effects.model} of {name}"
    if args.cause is not None:
        what += f", cause {args.of!r} of {args.cause!r}"
        context |= {"cause": args.cause, "of": args.of}
    elif args.of is not None:
        what += f", event {args.of!r} of {args.event!r}"
        context["of"] = args.of
    title = f"{what}: {len(frame)} rows{numbered}, {events} events"
    return Model(title, est, columns.groups, context)


def regression_model(args: argparse.Namespace, tell: Tell) -> Model:
    """The regression that the arguments ask for."""
    table, name = _read(args)
    columns = RegressionColumns(
        args.outcome, args.covariates, args.groups, args.id_col, args.cluster
    )
    require_columns(table, [args.outcome])
    # the names of rows are found as for a Cox model
    named = CoxColumns(
        args.outcome, args.outcome, args.covariates, (), None, None, args.groups, args.id_col
    )
    table = named.labelled(table)
    numbered = _numbered(table)
    table, covariates = _designed(args, table, columns, tell)
    columns = replace(columns, covariates=covariates)
    design = checked_design(table, columns, args.command)
    outcome = table[columns.outcome]
    groups = None if columns.groups is None else table[columns.groups].to_numpy()
    if getattr(args, "penalty", None):
        est = fit_firth(design, outcome, args.command, groups)
    else:
        est = from_model(fit_design(design, outcome, args.command), groups=groups)
    est = _with_errors(args, est, table)
    context = {"data": name, "n_rows": len(table), **vars(columns), "covariates": est.names}
    model = est.effects.model
    title = f"{model[0].upper()}{model[1:]} of {name}: {len(table)} rows{numbered}"
    return Model(title, est, columns.groups, context)


def _read(args: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    """The table of a file, and what to call it."""
    # a column that the model computes with is numbers, also where its values are groups as well
    parts = ("time", "event", "entry", "weights", "outcome")
    numbers = (*(args.covariates or ()), *(getattr(args, part, None) for part in parts), None)
    labels = (args.id_col, args.groups, args.cluster, FIRST_UNNAMED)
    text = [column for column in labels if column not in numbers]
    name = legible(args.file, keep="\n").encode("utf-8", "backslashreplace").decode()
    return read_table(args.file, text=text, sep=args.sep), name


def _designed(
    args: argparse.Namespace, table: pd.DataFrame, columns: Any, tell: Tell
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table without rows that are left out, and with the columns of its covariates."""
    if args.formula and (args.covariates or args.categorical):
        raise InvalidInputError(
            "--formula says what the covariates are, but --covariates or --categorical came with "
            "it; leave them out, and write C(site) for levels."
        )
    covariates = () if args.formula else columns.covariates_of(table)
    if args.dropna:
        played = [*_names_in(vars(columns)), *covariates, *_formula_columns(args, table)]
        table, said = complete_rows(table, [name for name in played if name in table.columns])
        if said:
            tell(f"note: {said}")
    if args.formula:
        return with_formula(table, args.formula)
    return with_levels(table, covariates, args.categorical)


def _names_in(parts: dict[str, Any]) -> list[str]:
    """The columns that were named for a part."""
    single = [name for name in parts.values() if isinstance(name, str)]
    several = [names for names in parts.values() if isinstance(names, tuple)]
    return [*single, *(name for names in several for name in names)]


def _formula_columns(args: argparse.Namespace, table: pd.DataFrame) -> list[str]:
    return used_in(args.formula, table) if args.formula else []


def _cox_estimate(
    args: argparse.Namespace,
    table: pd.DataFrame,
    frame: pd.DataFrame,
    columns: CoxColumns,
    groups: Any,
) -> Estimate:
    if args.penalty and args.penalizer:
        raise InvalidInputError(
            "--penalty firth takes the place of a ridge, but --penalizer is given too; leave one "
            "of them out."
        )
    if args.ties == "efron" and not args.penalty:
        fit = fit_frame(frame, columns, penalizer=args.penalizer)
        return from_model(fit, frame, groups=groups)
    if args.penalizer:
        raise InvalidInputError(
            "--penalizer is lifelines', which knows Efron's ties only, but --ties is "
            f"{args.ties}; leave one of them out."
        )
    parts = (columns.time, columns.event, columns.entry, columns.weights, *columns.strata)
    X = frame[[name for name in frame.columns if name not in parts]]
    loss = Cox(
        X,
        frame[columns.time],
        frame[columns.event],
        entry=None if columns.entry is None else frame[columns.entry],
        weights=None if columns.weights is None else frame[columns.weights],
        strata=frame[list(columns.strata)] if columns.strata else None,
        ties=args.ties,
        penalty=args.penalty,
    )
    return minimize(loss, np.zeros(X.shape[1]), groups=groups)


def _with_errors(args: argparse.Namespace, est: Estimate, table: pd.DataFrame) -> Estimate:
    if not (args.robust or args.cluster):
        return est
    clusters = None if args.cluster is None else table[args.cluster].to_numpy()
    return est.with_inference("robust", groups=clusters)


def _warn_of_identifiers(names: list[str], tell: Tell) -> None:
    for name in names:
        tell(
            f"warning: {name!r} is taken for a covariate, but has another whole number in each "
            f"row; if it says who a row is, pass --id-col {shlex.quote(name)}, else name the "
            "covariates with --covariates"
        )


def _numbered(table: pd.DataFrame) -> str:
    numbered = isinstance(table.index, pd.RangeIndex) and table.index.equals(
        pd.RangeIndex(len(table))
    )
    return " (numbered from 0)" if numbered else ""

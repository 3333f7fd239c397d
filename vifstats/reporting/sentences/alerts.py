"""What stands between a reader and the numbers, in words."""

from typing import Any

from vifstats.checks.disclosure import FEWEST
from vifstats.reporting.formats import (
    capital,
    count,
    counted,
    listed,
    many,
    percent,
    plural,
    short,
    some,
)

__all__ = ["alert"]

MOST_NAMED = 5
# What is closer to refits than each method, and what gets it.
BETTER = {"vif": '"newton" or "refit"', "if": '"newton" or "refit"', "newton": '"refit"'}


def alert(found: dict[str, Any], unit: str) -> str:
    """One alert in words.

    `found`: of the section "alerts".

    Examples
    --------
    >>> found = {"kind": "gauge", "n": 2}
    >>> alert(found, "row").split(",")[0]
    'The loss does not change along 2 directions'
    """
    return _ALERTS[found["kind"]](found, unit)


def _some(found: dict[str, Any], noun: str) -> str:
    if found["n"] is None:  # there is an alert, so there are some
        return f"fewer than {FEWEST} {many(noun)}"
    return some(found["n"], noun, rounded=found.get("rounded", False))


def _rows(found: dict[str, Any], noun: str) -> str:
    return capital(_some(found, noun))


def _named(found: dict[str, Any]) -> str:
    if not found["rows"]:
        return ""
    such = ", such as" if len(found["rows"]) < found["n"] else ":"
    return f"{such} {', '.join(found['rows'])}"


def _first(names: list[str]) -> str:
    """Names of parameters, as many as are read."""
    such = f"{count(len(names))} parameters, such as " if len(names) > MOST_NAMED else ""
    return such + ", ".join(names[:MOST_NAMED])


def _any_one_of(found: dict[str, Any], unit: str) -> str:
    """The words after "without": one row, or any one of several."""
    if found["n"] is None:
        return f"any one of fewer than {FEWEST} {many(unit)}"
    if found["n"] == 1:
        return f"{unit} {found['rows'][0]}"
    return f"any one of {_some(found, unit)}{_in_brackets(found)}"


def _in_brackets(found: dict[str, Any]) -> str:
    if not found["rows"]:
        return ""
    more = ", ..." if len(found["rows"]) < found["n"] else ""
    return f" ({', '.join(found['rows'])}{more})"


def _separated(found: dict[str, Any], unit: str) -> str:
    along = f" The likelihood rises for ever along {found['along']}." if found["along"] else ""
    which = (
        f"With all rows the coefficient{'' if len(found['names']) == 1 else 's'} of "
        f"{listed(found['names'][:MOST_NAMED], 'and')} "
        f"{'is' if len(found['names']) == 1 else 'are'} infinite"
        if found["known"]
        else "With all rows at least one coefficient is infinite"
    )
    return (
        f"{which} (separation).{along} No {unit} can be left out and the model refitted; drop or "
        "merge the covariate, or fit with a penalty, such as Firth's (vifstats.firth)."
    )


def _separation(found: dict[str, Any], unit: str) -> str:
    names = found.get("names") or []
    what = "at least one coefficient"
    if names:
        what = f"the coefficient of {listed(names[:MOST_NAMED], 'or')}"
    return (
        f"Without {_any_one_of(found, unit)} {what} is infinite (separation). Merge or drop the "
        "level or the column, or fit with a penalty, such as Firth's (vifstats.firth)."
    )


def _inaccurate(found: dict[str, Any], unit: str) -> str:
    slope = found["slope"]
    size = f"{percent(found['larger_percent'])} {'larger' if slope > 1 else 'smaller'}"
    better = BETTER.get(found["method"])
    remedy = f" Use method={better}." if better else ""
    which = "" if list(found["names"]) == [found["worst"]] else f"for {found['worst']} "
    return (
        f"The approximation is coarse for {_first(found['names'])}: {which}refitted "
        f"changes are on average {size} than predicted, and the largest error is "
        f"{percent(found['percent'])} of the largest change.{remedy}"
    )


def _conspicuous(found: dict[str, Any], unit: str) -> str:
    near = found.get("n_near")
    unsure = (
        f" {capital(plural(near, unit))} near that {'was' if near == 1 else 'were'} not refitted, "
        "so the number may be a little larger or smaller."
        if near
        else ""
    )
    moves = "moves" if found["n"] == 1 else "move"
    return (
        f"{_rows(found, unit)} {moves} at least one coefficient by more than "
        f"{found['convention']:g} standard errors, Harrell's convention for a second look.{unsure} "
        f"Check how {'it was' if found['n'] == 1 else 'they were'} recorded before anything else."
    )


_ALERTS = {
    "separated": _separated,
    "separation": _separation,
    "undefined": lambda a, unit: (
        f"Without {_any_one_of(a, unit)} at least one coefficient is not identified, and the "
        "determinant that the loss reads is 0, so its influence is unknown. Merge or drop the "
        "level or the column that it alone has."
    ),
    "boundary": lambda a, unit: (
        f"Without {_any_one_of(a, unit)} a variance of the random effects is 0. Report the "
        "variance with its range, and check whether the random effect is needed."
    ),
    "did not converge": lambda a, unit: (
        f"{_rows(a, 'refit')} did not converge, so the influence of "
        f"{'that ' + unit if a['n'] == 1 else 'those ' + many(unit)} is unknown{_named(a)}. Refit "
        f"without {'it' if a['n'] == 1 else 'them'} in your own software, from other starts."
    ),
    "indefinite": lambda a, unit: (
        f"Without {_any_one_of(a, unit)} the loss has no minimum nearby, so the Newton step is "
        'unreliable. Refit without it (method="refit").'
    ),
    "not in fit": lambda a, unit: (
        f"{_rows(a, unit)} {'was' if a['n'] == 1 else 'were'} not in the fit and "
        f"{'has' if a['n'] == 1 else 'have'} no influence{_named(a)}. Check "
        "whether they were dropped for missing values."
    ),
    "owned": lambda a, unit: (
        f"{_rows(a, unit)} {'has' if a['n'] == 1 else 'have'} parameters of "
        f"{'its' if a['n'] == 1 else 'their'} own, which vanish with "
        f"{'it' if a['n'] == 1 else 'them'}{_named(a)}."
    ),
    "gauge": lambda a, unit: (
        f"The loss does not change along {plural(a['n'], 'direction')}, so single parameters are "
        "not determined: ask for the influence on a target, such as a prediction or a distance."
    ),
    "few events": lambda a, unit: (
        f"Only {short(a['each'])} events per parameter ({plural(a['n_events'], 'event')}, "
        f"{plural(a['n_parameters'], 'parameter')}); fewer than {a['convention']} is usually "
        "considered too few. Consider fewer covariates or a penalty."
    ),
    "inaccurate": _inaccurate,
    "out of time": lambda a, unit: (
        f"Time ran out after {counted(a['n_refitted'])} of {counted(a['n_planned'])} planned "
        f"refits ({short(a['seconds'])} seconds); allow more seconds for the others."
    ),
    "conspicuous": _conspicuous,
}

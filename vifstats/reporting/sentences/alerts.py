"""What stands between a reader and the numbers, in words."""

from typing import Any

from vifstats.reporting.formats import count, percent, plural, short

__all__ = ["alert"]

MOST_NAMED = 5


def alert(found: dict[str, Any], unit: str) -> str:
    """One alert in words.

    `found`: of the section "alerts".

    Examples
    --------
    >>> alert({"kind": "not in fit", "n": 2, "rows": ["7", "9"]}, "row")
    '2 rows were not in the fit and have no influence: 7, 9.'
    """
    return _ALERTS[found["kind"]](found, unit)


def _named(found: dict[str, Any]) -> str:
    if not found["rows"]:
        return ""
    such = ", such as" if len(found["rows"]) < found["n"] else ":"
    return f"{such} {', '.join(found['rows'])}"


def _first(names: list[str]) -> str:
    """Names of parameters, as many as are read."""
    such = f"{count(len(names))} parameters, such as " if len(names) > MOST_NAMED else ""
    return such + ", ".join(names[:MOST_NAMED])


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


_ALERTS = {
    "separated": lambda a, unit: (
        "With all data some coefficient is infinite already (separation), and no number here means "
        "anything. Drop its covariate, or fit with a penalty."
    ),
    "separation": lambda a, unit: (
        f"Without {plural(a['n'], unit)} taken one at a time some coefficient is infinite "
        f"(separation), and no number for it means anything{_named(a)}."
    ),
    "did not converge": lambda a, unit: (
        f"The refits without {plural(a['n'], unit)} did not converge, so nothing is said of "
        f"them{_named(a)}."
    ),
    "indefinite": lambda a, unit: (
        f"Without {plural(a['n'], unit)} the loss has no minimum near{_named(a)}."
    ),
    "not in fit": lambda a, unit: (
        f"{plural(a['n'], unit)} {_were(a['n'])} not in the fit and "
        f"{'has' if a['n'] == 1 else 'have'} no influence{_named(a)}."
    ),
    "owned": lambda a, unit: (
        f"{plural(a['n'], unit)} {'owns' if a['n'] == 1 else 'own'} parameters that vanish with "
        f"{'it' if a['n'] == 1 else 'them'}{_named(a)}."
    ),
    "gauge": lambda a, unit: (
        f"Along {plural(a['n'], 'direction')} the loss does not change, so its minimum may "
        "turn, and a single parameter has no meaning of its own: ask for the influence on a "
        "target, such as a prediction or a distance."
    ),
    "few events": lambda a, unit: (
        f"{plural(a['n_events'], 'event')} for {plural(a['n_parameters'], 'parameter')} are "
        f"{short(a['each'])} each; below {a['convention']} by convention a Cox model is fragile, "
        "whatever its influence."
    ),
    "inaccurate": lambda a, unit: (
        f"The approximation is coarse for {_first(a['names'])}: for {a['worst']} refits have "
        f"slope {short(a['slope'])} on it and it is off by up to {percent(a['percent'])} of the "
        'largest change. Use method="newton" or "refit".'
    ),
    "out of time": lambda a, unit: (
        f"Only {count(a['n_refitted'])} of {plural(a['n_planned'], 'planned refit')} were made in "
        f"{short(a['seconds'])} seconds; allow more seconds for the others."
    ),
    "conspicuous": lambda a, unit: (
        f"{plural(a['n'], unit)} {'moves' if a['n'] == 1 else 'move'} some coefficient by more "
        f"than {a['convention']:g} standard errors, Harrell's convention for a second look."
    ),
}

"""What is wrong with the built-in residuals of other libraries, in two lines each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from validation import fits
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least


@dataclass(frozen=True)
class Claim:
    """One error.

    Attributes
    ----------
    library : str
    what : str
    code : str
        Two lines, run with `_names`: a statement, and an expression that gives the number.
    number : str
        What the number is.
    wrong_from : float
        At least this large if the claim holds.
    """

    library: str
    what: str
    code: str
    number: str
    wrong_from: float


CLAIMS = (
    Claim(
        "lifelines",
        "`delta_beta` is wrong unless every covariate has unit variance",
        'd = CoxPHFitter().fit(rossi, "week", "arrest").compute_residuals(rossi, "delta_beta")\n'
        "far(d.sort_index().to_numpy(), r_dfbeta)",
        "||delta_beta - dfbeta of R|| / ||dfbeta of R||",
        0.5,
    ),
    Claim(
        "lifelines",
        "rows censored at an event time leave its risk set in the score residuals, and Efron's "
        "ties are ignored: robust standard errors come out too small",
        'f = CoxPHFitter().fit(rossi, "week", "arrest", robust=True)\n'
        "float(np.max(1 - f.standard_errors_.to_numpy() / r_robust))",
        "largest shortfall of a robust standard error against R",
        0.01,
    ),
    Claim(
        "lifelines",
        "no `delta_beta` with delayed entry",
        'f = CoxPHFitter().fit(heart, "time", "event", entry_col="entry")\n'
        'float(raises(NotImplementedError, f.compute_residuals, heart, "delta_beta"))',
        "1 if it raises NotImplementedError",
        1.0,
    ),
    Claim(
        "lifelines",
        "robust standard errors ignore delayed entry, silently",
        'f = CoxPHFitter().fit(heart, "time", "event", entry_col="entry", robust=True)\n'
        "float(np.max(np.abs(f.standard_errors_.to_numpy() / r_robust_heart - 1)))",
        "largest relative error of a robust standard error against R, Stanford heart data",
        0.05,
    ),
    Claim(
        "statsmodels",
        "`score_residuals` are Breslow's even with Efron's ties",
        'm = PHReg(rossi["week"], X, status=rossi["arrest"], ties="efron"); b = m.fit().params\n'
        "float(np.nanmax(np.abs(m.score_residuals(b) @ np.linalg.inv(-m.hessian(b)) - r_dfbeta))"
        " / np.abs(r_dfbeta).max())",
        "largest error against R, over the largest dfbeta",
        0.005,
    ),
    Claim(
        "statsmodels",
        "`score_residuals` are nan where the influence is 0: a row censored before the first event",
        'm = PHReg(first["week"], first[["age", "prio"]], status=first["arrest"])\n'
        "float(np.isnan(m.score_residuals(m.fit().params)).any())",
        "1 if there is a nan",
        1.0,
    ),
    Claim(
        "statsmodels",
        "a row that enters exactly at an event time is counted at risk",
        'm = PHReg(late["week"], late[["age"]], status=late["arrest"], entry=late["entry"])\n'
        "float(abs(m.fit().params[0] / r_rule - 1))",
        "relative error of the coefficient against lifelines and R's rule",
        1e-3,
    ),
    Claim(
        "statsmodels",
        "`GLMInfluence.d_params` with freq_weights is not the effect of removing the row",
        "g = sm.GLM(y, Z, family=sm.families.Binomial(), freq_weights=copies).fit()\n"
        "1 - slope(g.get_influence().d_params, exact(g))",
        "part of the effect of exact refits that it lacks, spector data",
        0.3,
    ),
)


def run(clock: Clock) -> dict[str, Any]:
    """Each claim as a number."""
    names = _names()
    found = {}
    for claim in CLAIMS:
        statement, expression = claim.code.split("\n")
        local: dict[str, Any] = dict(names)
        exec(statement, local)
        found[claim.what] = float(eval(expression, local))
    return found


def _names() -> dict[str, Any]:
    """What the two lines of a claim may use."""
    import statsmodels.api as sm
    from lifelines import CoxPHFitter
    from statsmodels.duration.hazard_regression import PHReg

    import vifstats as vs
    from vifstats.datasets import load_rossi

    rossi, case = load_rossi(), fits.oracle_case("rossi")
    X = rossi.drop(columns=["week", "arrest"])
    heart = fits.oracle_case("heart")
    late = rossi.assign(entry=np.where(np.arange(len(rossi)) % 2, 0.0, rossi["week"] // 2))
    others = rossi.index > 0
    spector = sm.datasets.spector.load_pandas()
    names = {
        "np": np,
        "sm": sm,
        "CoxPHFitter": CoxPHFitter,
        "PHReg": PHReg,
        "rossi": rossi,
        "X": X,
        "heart": heart.X.assign(entry=heart.entry, time=heart.time, event=heart.event),
        "r_robust_heart": np.sqrt(np.diag(heart.robust_cov)),
        "late": late,
        "copies": 1 + np.arange(len(spector.endog)) % 3,
        "first": rossi.assign(
            week=rossi["week"].where(others, 0.5), arrest=rossi["arrest"] * others
        ),
        "y": spector.endog,
        "Z": sm.add_constant(spector.exog),
        "r_dfbeta": case.dfbeta.to_numpy(),
        "r_robust": np.sqrt(np.diag(case.robust_cov)),
        "far": _far,
        "slope": lambda a, r: float(np.sum(a * r) / np.sum(r * r)),
        "raises": _raises,
        "exact": lambda fit: vs.leave_one_out(vs.from_model(fit)).values,
    }
    # statsmodels' default are Breslow's ties
    columns = (late[["age"]], late["week"], late["arrest"])
    loss = vs.losses.Cox(*columns, entry=late["entry"], ties="breslow")
    names["r_rule"] = float(fits.minimum(loss).theta[0])
    return names


def _far(a: Any, r: Any) -> float:
    return float(np.linalg.norm(np.asarray(a) - r) / np.linalg.norm(r))


def _raises(error: type[Exception], call: Any, *arguments: Any) -> bool:
    try:
        call(*arguments)
    except error:
        return True
    return False


def tables(record: Record) -> list[Table]:
    """One line for each claim."""
    rows = [
        [claim.library, claim.what, claim.code, claim.number, record.numbers[claim.what]]
        for claim in CLAIMS
    ]
    return [
        Table(
            "Reproduced in two lines each; the names they use are defined in "
            "validation/experiments/peer_errors.py",
            ["library", "what", "code", "number", "value"],
            rows,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """If one is met no more, the library was corrected, and the claim must go."""
    return [at_least(claim.what, record.numbers[claim.what], claim.wrong_from) for claim in CLAIMS]


EXPERIMENT = Experiment(
    name="peer_errors",
    title="Why not the built-in residuals?",
    text=(
        "Errors and gaps of other libraries that were met on the way, each with a reproduction of "
        "two lines and one number. The reference is R's survival, exact refits, or R's rule "
        "for who is at risk. A bound that is not met here means that the library was corrected."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    quick=True,
)

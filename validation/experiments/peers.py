"""Other libraries' influence for Cox models: error against refits, and seconds."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import vifstats as vs
from validation import fits
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_least
from vifstats.losses import Cox

DATA = ("rossi", "lung", "veteran")
TIMED = (2000, 10)  # rows and covariates of the data that are drawn
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "dfbeta.R"
Case = Any
# As close to the minimum as ours, so that only the residuals differ.
CLOSE = {"precision": 1e-13, "r_precision": 1e-16}


def run(clock: Clock) -> dict[str, Any]:
    """Agreement of every method and library with refits; seconds on one problem."""
    found = {}
    for name in DATA:
        case, est = fits.oracle_case(name), fits.cox(name)
        refits = vs.leave_one_out(est)
        found[name] = {
            method: _figures(vs.Influence(est, "if", values, est.removals()), refits)
            for method, values in _all_values(case, est).items()
        }
    _time(clock)
    return {"agreement": found, "versions_of_peers": _versions()}


def _all_values(case: Case, est: vs.Estimate) -> dict[str, np.ndarray]:
    values = {name: method(est).values for name, method in OURS.items()}
    values["R survival dfbeta"] = case.dfbeta.to_numpy()
    for name, peer in PEERS.items():
        if peer.can(case):
            values[name] = peer.prepare(case)()
    return values


def _figures(influence: vs.Influence, refits: vs.Influence) -> dict[str, float]:
    agreement = vs.compare(influence, refits)
    table = agreement.table
    return {
        "relative_error": agreement.frobenius,
        "slope_min": float(table.slope.min()),
        "slope_max": float(table.slope.max()),
        "pearson_min": float(table.pearson.min()),
        "spearman_min": float(table.spearman.min()),
        "largest_error": float(table.largest_relative_error.max()),
        "left_out": int(table.left_out.max()),
    }


@dataclass(frozen=True)
class Peer:
    """One library.

    Attributes
    ----------
    prepare : callable
        From a case to the call that gives its residuals, and is timed: the fit is made before.
    strata : bool
        Whether it takes them.
    needs : str
        What must be installed.
    """

    prepare: Callable[[Case], Callable[[], np.ndarray]]
    strata: bool
    needs: str

    def can(self, case: Case) -> bool:
        """Whether it is installed and takes such data."""
        return find_spec(self.needs) is not None and (self.strata or case.strata is None)


def _lifelines(case: Case) -> Callable[[], np.ndarray]:
    """What CoxPHFitter calls delta_beta."""
    from lifelines import CoxPHFitter

    data, strata = case.X.assign(time=case.time, event=case.event), None
    if case.strata is not None:
        data, strata = data.assign(strata=case.strata), ["strata"]
    fit = CoxPHFitter().fit(data, "time", "event", strata=strata, fit_options=CLOSE)

    def call() -> np.ndarray:
        return fit.compute_residuals(data, "delta_beta").loc[data.index, list(case.X)].to_numpy()

    return call


def _statsmodels(case: Case) -> Callable[[], np.ndarray]:
    """PHReg's score residuals through the inverse of its own Hessian."""
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(case.time, case.X, status=case.event, strata=case.strata, ties="efron")
    theta = model.fit().params

    def call() -> np.ndarray:
        # the Hessian of the log likelihood: H with the other sign
        return -np.linalg.solve(model.hessian(theta), model.score_residuals(theta).T).T

    return call


def _surpyval(case: Case) -> Callable[[], np.ndarray]:
    from surpyval import CoxPH

    fit = CoxPH.fit(x=case.time, Z=case.X.to_numpy(), c=1 - np.asarray(case.event, dtype=int))
    return lambda: np.asarray(fit.compute_residuals("dfbeta"))


OURS = {"if": vs.classical_if, "vif": vs.vif, "newton": vs.newton_step}
PEERS = {
    "lifelines delta_beta": Peer(_lifelines, strata=True, needs="lifelines"),
    "statsmodels score residuals": Peer(_statsmodels, strata=True, needs="statsmodels"),
    "SurPyval dfbeta": Peer(_surpyval, strata=False, needs="surpyval"),
}


class _Drawn:
    """Drawn data with the attributes of an oracle case."""

    def __init__(self) -> None:
        import pandas as pd

        data = fits.drawn(*TIMED, seed=0).data
        self.X = pd.DataFrame(data.X).add_prefix("x")
        self.time, self.event, self.strata = data.time, data.event, None


def _time(clock: Clock) -> None:
    case = _Drawn()
    est = fits.minimum(Cox(case.X, case.time, case.event))
    for name, method in OURS.items():
        clock.best(name, lambda m=method: m(vs.Estimate(est.loss, est.theta)))
    for name, peer in PEERS.items():
        if peer.can(case):
            clock.best(name, peer.prepare(case), runs=3)
    if shutil.which("Rscript"):
        clock.seconds["R survival dfbeta"] = float(min(_r(case)[1:], key=float))


def _r(case: Case) -> list[str]:
    """The version of survival, then the seconds of each run."""
    with tempfile.TemporaryDirectory() as folder:
        columns = [*case.X.to_numpy().T, case.time, case.event]
        np.concatenate(columns).astype(float).tofile(Path(folder) / "data")
        command = ["Rscript", str(SCRIPT), folder, *map(str, case.X.shape), "5"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    found = {p.needs: version(p.needs) for p in PEERS.values() if find_spec(p.needs)}
    return found | ({"R survival": _r(_Drawn())[0]} if shutil.which("Rscript") else {})


def tables(record: Record) -> list[Table]:
    """Errors by data set, then seconds."""
    rows = [
        [
            data,
            method,
            f"{f['relative_error']:.3f}",
            f"{f['slope_min']:.2f} to {f['slope_max']:.2f}",
            f"{f['pearson_min']:.4f}",
            f"{f['spearman_min']:.4f}",
            f"{f['largest_error']:.3f}",
        ]
        for data, methods in record.numbers["agreement"].items()
        for method, f in methods.items()
    ]
    names = [*OURS, *PEERS, "R survival dfbeta"]
    seconds = [[name, record.seconds[name]] for name in names if name in record.seconds]
    heads = ["data", "method", "relative error", "slope", "Pearson", "Spearman", "largest error"]
    n, p = TIMED
    known = ", ".join(f"{name} {v}" for name, v in record.numbers["versions_of_peers"].items())
    return [
        Table(
            "Against exact refits, Efron's ties: relative error of all coefficients, the rest of "
            "the worst coefficient",
            heads,
            rows,
        ),
        Table(
            f"Seconds, {n} rows and {p} covariates without ties ({known})", ["", "seconds"], seconds
        ),
    ]


def bounds(record: Record) -> list[Bound]:
    """On every data set vif is nearer to refits than any peer, and newton than vif."""
    out = []
    for data, methods in record.numbers["agreement"].items():
        error = {name: figures["relative_error"] for name, figures in methods.items()}
        nearest = min(value for name, value in error.items() if name not in OURS)
        out.append(
            at_least(
                f"{data}, error of the best peer over that of vif", nearest / error["vif"], 1.0
            )
        )
    return out


EXPERIMENT = Experiment(
    name="peers",
    title="Other libraries",
    text=(
        "What lifelines, statsmodels, SurPyval and R's survival offer for the influence of a row "
        "on a Cox model, against exact refits. None has more than the classical influence "
        "function, so R's and SurPyval's rows equal if; the digits of R are those kept in "
        "validation/oracles, its seconds those of the version named, whose dfbeta is slower "
        "than later ones. What is wrong with the others has a section of its own."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
    quick=True,
)

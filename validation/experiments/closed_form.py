"""Appendix D: both closed forms for Cox regression, and their difference term by term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import vifstats as vs
from validation import fits
from validation.experiment import Bound, Clock, Experiment, Figure, Record, Table, at_most
from validation.figures import points
from vifstats.closed_form import koh_liang_if, reid_crepeau_if, vif_cox
from vifstats.closed_form.cox_terms import CoxData, cox_data, event_times, terms
from vifstats.losses import Cox

EDGES = (0.0, 1e-3, 1e-2, 0.1, 0.5, 1.0)


def run_lung(clock: Clock) -> dict[str, Any]:
    """Bundled data, events to the end of follow-up; and the points of the figure."""
    case = fits.oracle_case("lung", "breslow")
    found, largest, gap = _compared(case.X.to_numpy(), case.time, case.event)
    return found | {"points": {"largest_eps": largest.tolist(), "gap": gap.tolist()}}


def run_metabric(clock: Clock) -> dict[str, Any]:
    """The training rows of METABRIC."""
    data = fits.metabric()
    return _compared(data.X.to_numpy(), data.time, data.event)[0]


def _compared(
    X: np.ndarray, time: np.ndarray, event: np.ndarray
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    est = fits.minimum(Cox(X, time, event, ties="breslow"))
    arguments = (est.theta, X, time, event)
    reid, versatile = (f(*arguments, ties="breslow") for f in (reid_crepeau_if, vif_cox))
    eps, parts = _pairs(est.theta, X, time, event)
    difference = -est.solve(parts["vif"].sum(axis=1) - parts["if"].sum(axis=1))
    tiny = np.finfo(float).tiny
    ratio = _norm(est, parts["vif"] - parts["if"]) / np.maximum(_norm(est, parts["if"]), tiny)
    at_risk = eps > 0
    expected = eps[at_risk] / (1 - eps[at_risk])
    refits = vs.leave_one_out(est).values
    own = (versatile - reid) - difference
    norm = np.linalg.norm
    gap = norm(versatile - reid, axis=1) / np.maximum(norm(reid, axis=1), tiny)
    found = {
        "rows": len(X),
        "pairs_of_a_row_and_an_event_time": int(at_risk.sum()),
        "closed_form_against_the_package": {
            "if": _far(reid, vs.classical_if(est).values),
            "vif": _far(versatile, vs.vif(est).values),
            "koh_liang_if": _koh_liang(est),
        },
        "largest_deviation_of_a_term_from_eps_over_1_minus_eps": float(
            np.abs(ratio[at_risk] - expected).max()
        ),
        "error_against_refits": {"if": _error(reid, refits), "vif": _error(versatile, refits)},
        "difference": {
            "of_all": _error(versatile, reid),
            "earlier_risk_sets": float(norm(difference) / norm(reid)),
            "own_event": float(norm(own) / norm(reid)),
        },
        "by_eps": _by_size(est, eps, parts),
    }
    return found, eps.max(axis=1, initial=0.0), gap


def _pairs(
    theta: np.ndarray, X: np.ndarray, time: np.ndarray, event: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """eps, (n, m), and what each event time adds to if and to vif, (n, m, p); 0 if not at risk.

    To if the derivative, a u eps; to vif the mean less the mean without the row, by definition. A
    row that dies at the time is left out: its own event changes more than a term.
    """
    options = dict.fromkeys(("entry", "weights", "strata", "offset", "penalty"))
    data: CoxData = cox_data(theta, X, time, event, ties="breslow", as_printed=False, **options)
    columns = []
    for at in event_times(data):
        living = at.at_risk & ~at.dying
        (q,) = terms(data, at)
        c = np.where(living, q.c, 0.0)
        eps = c / q.phi
        without = (q.phi * q.m - c[:, None] * data.X) / (q.phi - c)[:, None]
        columns.append((eps, q.a * (data.X - q.m) * eps[:, None], q.a * (q.m - without)))
    eps, first_order, difference = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    return eps, {"if": first_order, "vif": difference}


def _norm(est: vs.Estimate, rows: np.ndarray) -> np.ndarray:
    """In standard errors of a direction, (n, m, p) to (n, m)."""
    root = np.linalg.cholesky(np.linalg.inv(est.hessian))
    return np.linalg.norm(rows @ root, axis=2)


def _by_size(est: vs.Estimate, eps: np.ndarray, parts: dict[str, np.ndarray]) -> list[Any]:
    """How much of the difference comes from terms of each size of eps."""
    excess = _norm(est, parts["vif"] - parts["if"])
    lines = []
    for low, high in zip(EDGES[:-1], EDGES[1:], strict=True):
        some = (eps > low) & (eps <= high)
        lines.append(
            {
                "from": low,
                "to": high,
                "pairs": int(some.sum()),
                "share_of_the_difference": float(excess[some].sum() / excess.sum()),
            }
        )
    return lines


def _koh_liang(est: vs.Estimate) -> float:
    """Koh & Liang's influence (Eq. 8 of Deng, Tang & Ma), for this loss's weight gradients."""
    return _far(
        koh_liang_if(est.hessian, est.loss.weight_gradients(est.theta)), vs.classical_if(est).values
    )


def _far(a: np.ndarray, r: np.ndarray) -> float:
    return float(np.abs(a - r).max() / np.abs(r).max())


def _error(a: np.ndarray, r: np.ndarray) -> float:
    return float(np.linalg.norm(a - r) / np.linalg.norm(r))


def tables(record: Record) -> list[Table]:
    """Where the difference comes from."""
    found = record.numbers
    rows = [
        [f"{b['from']:g} to {b['to']:g}", b["pairs"], f"{100 * b['share_of_the_difference']:.1f} %"]
        for b in found["by_eps"]
    ]
    summary = [
        ["error of if against refits", found["error_against_refits"]["if"]],
        ["error of vif against refits", found["error_against_refits"]["vif"]],
        ["vif less if, over if", found["difference"]["of_all"]],
        ["of it: terms of earlier events", found["difference"]["earlier_risk_sets"]],
        ["of it: the row's own event", found["difference"]["own_event"]],
    ]
    return [
        Table("Relative Frobenius norms over all rows and coefficients", ["", ""], summary),
        Table(
            "Pairs of a row and an earlier event time by eps, the row's share of the risk set, and "
            "what they contribute to the difference of vif and if",
            ["eps", "pairs", "share"],
            rows,
        ),
    ]


def figures(record: Record) -> list[Figure]:
    """How far vif is from if, by the largest eps."""
    if "points" not in record.numbers:
        return []
    shown = record.numbers["points"]
    return [
        points(
            shown["largest_eps"],
            shown["gap"],
            xlabel="largest share of a risk set",
            ylabel="|vif - if| / |if|",
            alt="Rows that make up much of a late risk set are those for which vif and if differ.",
            how="Each point is a row. Few of them last until the risk sets are small.",
            logx=True,
            logy=True,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """The identities of Appendix D to rounding."""
    found = record.numbers
    out = [
        at_most(f"closed form against the package, {name}", value, 1e-10)
        for name, value in found["closed_form_against_the_package"].items()
    ]
    worst = found["largest_deviation_of_a_term_from_eps_over_1_minus_eps"]
    return [*out, at_most("a term's ratio against eps/(1 - eps)", worst, 1e-8)]


TEXT = (
    "The classical influence function of Reid and Crepeau and the versatile one, written out term "
    "by term, against the near-linear kernels of the package; Breslow's ties. At an earlier event "
    "time q the classical one has a u eps, with eps = r_i / phi_q the row's share of the risk set, "
    "and the versatile one a u eps / (1 - eps): they differ by the factor 1 + eps / (1 - eps), "
    "which is checked for every pair, and so in the late risk sets only."
)


def _experiment(name: str, run: Callable[[Clock], dict[str, Any]], **options: Any) -> Experiment:
    return Experiment(
        name=f"closed_form_{name.lower()}",
        title=f"if against vif in closed form: {name}",
        text=TEXT,
        run=run,
        tables=tables,
        figures=figures,
        bounds=bounds,
        **options,
    )


EXPERIMENTS = (
    _experiment("lung", run_lung, quick=True),
    _experiment("METABRIC", run_metabric, data=("METABRIC",)),
)

"""M-estimators: every kind of fitted model against exact refits, and against statsmodels' step."""

from __future__ import annotations

from typing import Any

import numpy as np
from fitted_models import MODELS, FittedModel

import validation.fits  # noqa: F401  the tests, from where the models come, are no package
import vifstats as vs
from validation.experiment import Bound, Clock, Experiment, Record, Table, at_most
from vifstats.losses import Loss

# GLMs whose statsmodels influence answers the same question: rows without freq_weights.
WITH_PEER = ("Logit, spector", "Probit, spector", "Poisson, randhie", "GLM ")


def run(clock: Clock) -> dict[str, Any]:
    """One line for each fitted model of the tests; and the steps of two packages."""
    return {
        "models": [agreement_line(model) for model in MODELS],
        "steps": [line for model in MODELS for line in peer_lines(model)],
    }


def agreement_line(model: FittedModel) -> dict[str, object]:
    """Agreement of vif and newton with refits, and of the two routes to vif."""
    est, rows = model.polished(), model.some()
    vif, newton = vs.vif(est, objects=rows), vs.newton_step(est, objects=rows)
    return {
        "model": model.name,
        "n": est.loss.n_objects,
        "p": len(est.theta),
        "refits": len(rows),
        **_figures("vif", vif, model.refits()),
        **_figures("newton", newton, model.refits()),
        "routes_differ_by": _routes(est, rows),
    }


def peer_lines(model: FittedModel) -> list[dict[str, object]]:
    """One step of statsmodels' influence and of ours, both against refits of every row."""
    if not model.name.startswith(WITH_PEER):
        return []
    est = model.polished()
    refits = vs.leave_one_out(est)
    steps = {
        "vifstats newton": vs.newton_step(est),
        "statsmodels": vs.Influence(est, "newton", _d_params(model), refits.removals),
    }
    return [
        {"model": model.name, "step": name}
        | (_figures("", step, refits) if np.isfinite(step.values).any() else {"fails": True})
        for name, step in steps.items()
    ]


def _d_params(model: FittedModel) -> np.ndarray:
    """statsmodels' own step; nan where it fails, on a negative observed weight of some row."""
    try:
        with np.errstate(invalid="ignore"):
            return np.asarray(model.fitted().get_influence().d_params)
    except np.linalg.LinAlgError:
        return np.full((model.estimate().loss.n_objects, len(model.estimate().theta)), np.nan)


def _figures(prefix: str, influence: vs.Influence, refits: vs.Influence) -> dict[str, float]:
    table = vs.compare(influence, refits).table
    start = f"{prefix}_" if prefix else ""
    return {
        f"{start}slope_min": table.slope.min(),
        f"{start}slope_max": table.slope.max(),
        f"{start}pearson_min": table.pearson.min(),
        f"{start}error_max": table.largest_relative_error.max(),
        f"{start}left_out": int(table.left_out.max()),
    }


def _routes(est: vs.Estimate, rows: np.ndarray) -> float:
    """Removal and derivative in the weight, by automatic differentiation, in units of dfbeta."""
    removals = est.removals(objects=rows)
    D = Loss.gradient_differences(est.loss, est.theta, removals)
    derivative = Loss.weight_gradients(est.loss, est.theta, removals)
    scale = np.abs(est.solve(D)).max(axis=0)
    return float((np.abs(est.solve(D - derivative)) / scale).max())


def tables(record: Record) -> list[Table]:
    """Worst parameter of each model."""
    keys = ("n", "p", "refits", "vif_slope_min", "vif_slope_max", "vif_pearson_min")
    keys = (*keys, "vif_error_max", "newton_pearson_min", "newton_error_max")
    heads = [
        key.replace("_", " ").replace(" min", ", least").replace(" max", ", most") for key in keys
    ]
    models = [
        [line["model"], *(line.get(key) for key in keys)] for line in record.numbers["models"]
    ]
    keys = ("slope_min", "slope_max", "pearson_min", "error_max")
    steps = [
        [line["model"], line["step"], *(line.get(key) for key in keys)]
        for line in record.numbers["steps"]
    ]
    return [
        Table("Against exact refits, worst parameter of each model", ["model", *heads], models),
        Table(
            "One step with the observed information (vifstats) and with the expected "
            "(statsmodels), against refits of every row; no figure: it fails",
            ["model", "step", "slope, least", "slope, most", "Pearson, least", "largest error"],
            steps,
        ),
    ]


def _words(key: str) -> str:
    return key.replace("_", " ").replace(" min", ", least").replace(" max", ", most")


def bounds(record: Record) -> list[Bound]:
    """Appendix D: for a sum over rows vif is if."""
    worst = max(line["routes_differ_by"] for line in record.numbers["models"])
    return [at_most("vif against if by differentiation, in the largest dfbeta", worst, 1e-8)]


EXPERIMENT = Experiment(
    name="m_estimators",
    title="M-estimators: fitted models of statsmodels, scikit-learn and lifelines",
    text=(
        "Where the loss is a sum over rows, vif equals the classical influence function (Appendix "
        "D); that is checked by automatic differentiation of every model. What is left is the "
        "leverage, which newton has. Errors are those of the worst parameter against exact refits "
        "of some rows. Then one step of this package and of statsmodels, on all rows."
    ),
    run=run,
    tables=tables,
    bounds=bounds,
)

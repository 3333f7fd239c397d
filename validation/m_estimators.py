"""Tables of issue "M-estimators": every fitted model against exact refits, and against its peers.

    python validation/m_estimators.py

writes two tables beside it, in results/: `m_estimators.csv`, one line per fitted model of
tests/fitted_models.py, each figure that of its worst parameter; and `glm_influence.csv`, one step
with the observed information (here) and with the expected (statsmodels), on all rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import vifstats as vs
from vifstats.losses import Loss

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "validation" / "results"
sys.path.insert(0, str(ROOT / "tests"))

from fitted_models import MODELS, FittedModel  # noqa: E402  the tests are no package

# GLMs of the table whose statsmodels influence answers the same question: rows without freq_weights
WITH_PEER = ("Logit, spector", "Probit, spector", "Poisson, randhie", "GLM ")


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    agreement = pd.DataFrame([agreement_line(model) for model in MODELS])
    agreement.to_csv(RESULTS / "m_estimators.csv", index=False, float_format="%.4g")
    peers = pd.DataFrame([line for model in MODELS for line in peer_lines(model)])
    peers.to_csv(RESULTS / "glm_influence.csv", index=False, float_format="%.4g")
    print(agreement.to_string(index=False))
    print(peers.to_string(index=False))


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


if __name__ == "__main__":
    main()

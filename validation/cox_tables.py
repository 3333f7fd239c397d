"""Table of issue "Cox at full strength": each method, and each library, against exact refits.

    python validation/cox_tables.py

writes results/cox_tables.json, with every covariate, and results/cox_tables.md, with the worst. All
fits have Efron's ties. lifelines and statsmodels have no refits and no VIF of their own: their
rows are `compute_residuals(df, "delta_beta")`, and PHReg's `score_residuals` through H^-1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from statsmodels.duration.hazard_regression import PHReg

import vifstats as vs
from vifstats.losses import Cox
from vifstats.versions import versions

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "validation" / "results"
sys.path.insert(0, str(ROOT / "tests"))

from oracles import OracleCase, load_case  # noqa: E402  the tests are no package

DATA = ("rossi", "lung", "veteran")
Rows = Callable[[OracleCase, vs.Estimate], vs.Influence]


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    table = pd.concat([lines_of(name) for name in DATA], ignore_index=True)
    record = {"versions": versions(), "lines": table.to_dict(orient="records")}
    (RESULTS / "cox_tables.json").write_text(json.dumps(record, indent=1) + "\n")
    text = markdown(worst(table))
    (RESULTS / "cox_tables.md").write_text(text)
    print(text)


def lines_of(name: str) -> pd.DataFrame:
    """One line for each method and covariate of one data set."""
    case = load_case(name, "efron")
    loss = Cox(case.X, case.time, case.event, strata=case.strata)
    est = vs.minimize(loss, np.zeros(case.X.shape[1]))
    refits = vs.leave_one_out(est)
    tables = []
    for method, rows in METHODS.items():
        agreement = vs.compare(rows(case, est), refits)
        table = agreement.table.rename_axis("covariate").reset_index()
        tables.append(table.assign(data=name, method=method, all_covariates=agreement.frobenius))
    return pd.concat(tables)


def lifelines_delta_beta(case: OracleCase, est: vs.Estimate) -> vs.Influence:
    """What CoxPHFitter calls delta_beta."""
    data, strata = case.X.assign(time=case.time, event=case.event), None
    if case.strata is not None:
        data, strata = data.assign(strata=case.strata), ["strata"]
    # fitted as closely as ours, so that only the residuals differ
    fit = CoxPHFitter().fit(
        data, "time", "event", strata=strata, fit_options={"precision": 1e-13, "r_precision": 1e-16}
    )
    found = fit.compute_residuals(data, "delta_beta")
    return influence(est, found.loc[data.index, list(case.X)].to_numpy())


def statsmodels_score_residuals(case: OracleCase, est: vs.Estimate) -> vs.Influence:
    """PHReg's score residuals through the inverse of its own Hessian."""
    model = PHReg(case.time, case.X, status=case.event, strata=case.strata, ties="efron")
    fit = model.fit()
    # the Hessian of the log likelihood: H with the other sign
    values = -np.linalg.solve(model.hessian(fit.params), fit.score_residuals.T).T
    return influence(est, values)


def influence(est: vs.Estimate, values: np.ndarray) -> vs.Influence:
    return vs.Influence(est, "if", values, est.removals())


METHODS: dict[str, Rows] = {
    "if": lambda case, est: vs.classical_if(est),
    "vif": lambda case, est: vs.vif(est),
    "newton": lambda case, est: vs.newton_step(est),
    "lifelines delta_beta": lifelines_delta_beta,
    "statsmodels score residuals": statsmodels_score_residuals,
}


def worst(table: pd.DataFrame) -> pd.DataFrame:
    """One line for each data set and method: the worst covariate, but for the error of all."""
    groups = table.groupby(["data", "method"], sort=False)
    slope = groups["slope"].agg(["min", "max"]).map("{:.2f}".format)
    return pd.DataFrame(
        {
            "n": groups["n"].max() + groups["left_out"].max(),
            "left out": groups["left_out"].max(),
            "relative error": groups["all_covariates"].first().map("{:.3f}".format),
            "slope": slope["min"] + " to " + slope["max"],
            "Pearson": groups["pearson"].min().map("{:.4f}".format),
            "Spearman": groups["spearman"].min().map("{:.4f}".format),
            "largest error": groups["largest_relative_error"].max().map("{:.3f}".format),
        }
    ).reset_index()


def markdown(table: pd.DataFrame) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.astype(str).to_numpy()]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"""# dfbeta against exact refits, Efron's ties

Made by `python validation/cox_tables.py`; every covariate is in cox_tables.json. The relative error
is ||a - r||/||r|| over all covariates, with r of the refits. Slope (of r on a, through 0: 1 is
right), correlations and largest error, max|a - r|/max|r|, are those of the worst covariate. Rows
that are nan are left out.

{rows}
"""


if __name__ == "__main__":
    main()

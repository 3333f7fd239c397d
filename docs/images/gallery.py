"""Draw the thumbnails of the gallery: every kind of picture, of rossi.

Run from the root of the repository: ``python docs/images/gallery.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from lifelines import CoxPHFitter

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.deletion.row_facts import at_risk

FOLDER = Path(__file__).with_suffix("")
YOUNG = {"fin": 0, "age": 20, "race": 1, "wexp": 0, "mar": 0, "paro": 1, "prio": 3}
WEEKS = np.arange(1, 53)

rossi = load_rossi()
estimate = vs.from_model(CoxPHFitter().fit(rossi, "week", "arrest"), rossi)
influence, refits = vs.vif(estimate), vs.leave_one_out(estimate)
prisons = vs.leave_one_out(estimate, groups=[f"site {k % 9}" for k in range(len(rossi))])
survival = influence.on(vs.targets.SurvivalProbability(YOUNG, WEEKS))
few = vs.influential_set(estimate, "age", flip="significance")
sizes = influence.dfbetas["age"].abs()
counts = [5 * round((sizes > size).sum() / 5) for size in (0.1, 0.2, 0.3)]
p_values = [[few.value, *few.path[column]] for column in ("joint", "actual")]

PICTURES = {
    "index": lambda ax: vs.plots.index_plot(influence, "age", ax=ax),
    "time": lambda ax: vs.plots.time_plot(influence, "age", ax=ax),
    "influence": lambda ax: vs.plots.influence_plot(influence, ax=ax),
    "distribution": lambda ax: vs.plots.distribution_plot(influence, "age", ax=ax),
    "counts": lambda ax: vs.plots.counts_plot(counts, (0.1, 0.2, 0.3), "age", ax=ax),
    "range": lambda ax: vs.plots.range_plot(refits, ratio=True, ax=ax),
    "forest": lambda ax: vs.plots.forest_plot(prisons, "fin", ratio=True, numbers=False, ax=ax),
    "waterfall": lambda ax: vs.plots.waterfall_plot(influence, "age", ax=ax),
    "survival": lambda ax: vs.plots.survival_plot(survival, WEEKS, ax=ax, unit="men"),
    "survival_change": lambda ax: vs.plots.survival_change_plot(survival, WEEKS, ax=ax, unit="men"),
    "agreement": lambda ax: vs.plots.agreement_plot(influence, refits, "age", ax=ax),
    "error": lambda ax: vs.plots.error_plot(influence, refits, at_risk(influence), ax=ax),
    "sets": lambda ax: vs.plots.set_path_plot(
        range(len(few.path) + 1), *p_values, threshold=0.05, what="p-value of age", ax=ax
    ),
}

FOLDER.mkdir(exist_ok=True)
for name, draw in PICTURES.items():
    figure, ax = plt.subplots(figsize=(4.4, 3.3), layout="constrained")
    draw(ax)
    figure.savefig(FOLDER / f"{name}.png", dpi=70, metadata={"Software": None})
    plt.close(figure)

"""Draw where the classical influence function is enough, from the results of the experiment.

Run from the root of the repository: ``python docs/images/where_if_fails.py``.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt

RESULTS = Path("validation", "results", "where_if_fails.json")
LOOKS = {
    "IF": ("X", "#d55e00"),
    "VIF": ("o", "#0072b2"),
    "Newton": ("s", "#222222"),
    "truncated": ("D", "#8a8a8a"),
}
# the edge of the picture
NEAREST = 1e-6

models = json.loads(RESULTS.read_text(encoding="utf-8"))["numbers"]
figure, ax = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
for name, (marker, colour) in LOOKS.items():
    known = [k for k, model in enumerate(models.values()) if name in model]
    errors = [1 - list(models.values())[k][name]["pearson"] for k in known]
    x = [max(error, NEAREST) for error in errors]
    ax.plot(x, known, marker, color=colour, markersize=6, alpha=0.85, label=name, clip_on=False)
ax.set(xscale="log", xlim=(NEAREST, 1), ylim=(len(models) - 0.5, -0.5))
ax.set_xlabel("1 - Pearson correlation with exact refits")
ax.set_yticks(range(len(models)), list(models))
ax.grid(axis="y", linewidth=0.3)
ax.spines[["top", "right"]].set_visible(False)
figure.legend(loc="outside upper center", ncols=4, frameon=False)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=130, metadata={"Software": None})

"""Draw the figure of the README: VIF against exact refits, every row of rossi.

Run from the root of the repository: ``python docs/images/vif_against_refits.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from lifelines import CoxPHFitter

import vifstats as vs
from vifstats.datasets import load_rossi

rossi = load_rossi()
estimate = vs.from_model(CoxPHFitter().fit(rossi, "week", "arrest"), rossi)
influence, refits = vs.vif(estimate), vs.leave_one_out(estimate)
agreement = vs.compare(influence, refits)

figure, axes = plt.subplots(2, 4, figsize=(9, 4.9), layout="constrained")
for ax, name in zip(axes.flat, estimate.names, strict=False):
    x, y = influence.dfbeta[name], refits.dfbeta[name]
    end = 1.1 * max(x.abs().max(), y.abs().max())
    ax.plot([-end, end], [-end, end], color="0.75", linewidth=1, zorder=0)
    ax.scatter(x, y, s=9, color="#0072B2", alpha=0.5, linewidths=0)
    ax.set(xlim=(-end, end), ylim=(-end, end), aspect="equal")
    ax.set_title(f"{name}   slope {agreement.slope[name]:.3f}", fontsize=9)
    ax.locator_params(nbins=3)
    ax.tick_params(labelsize=7)
legend = axes.flat[-1]
legend.axis("off")
legend.text(
    0,
    0.5,
    f"{len(rossi)} rows of rossi\n\none point: the change of\na coefficient without a row\n\n"
    "grey: y = x",
    va="center",
    fontsize=9,
)
figure.supxlabel("Versatile Influence Function", fontsize=10)
figure.supylabel("exact refit", fontsize=10)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=130, metadata={"Software": None})

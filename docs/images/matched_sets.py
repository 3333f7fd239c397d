"""Draw why the difference must be finite: the controls of matched pairs, left out one at a time.

Run from the root of the repository: ``python docs/images/matched_sets.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import vifstats as vs

rng = np.random.default_rng(0)
n_pairs, beta = 300, np.array([0.7, -0.4, 0.2])
X = rng.normal(size=(n_pairs, 2, 3))
risk = np.exp(X @ beta)
case = np.argmax(
    rng.random(n_pairs)[:, None] < np.cumsum(risk, axis=1) / risk.sum(axis=1)[:, None], axis=1
)
y = np.eye(2, dtype=int)[case].ravel()
pairs = vs.losses.ConditionalLogistic(X.reshape(-1, 3), y, np.repeat(np.arange(n_pairs), 2))
estimate = vs.minimize(pairs, np.zeros(3))
controls = y == 0
exact = vs.leave_one_out(estimate).values[controls, 0]

figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.6), layout="constrained", sharey=True)
methods = {
    "classical influence function": vs.classical_if(estimate),
    "Versatile Influence Function": vs.vif(estimate),
}
for ax, (name, influence) in zip(axes, methods.items(), strict=True):
    x = influence.values[controls, 0]
    slope, r = x @ exact / (x @ x), np.corrcoef(x, exact)[0, 1]
    end = 1.1 * np.abs(exact).max()
    ax.plot([-end, end], [-end, end], color="0.75", linewidth=1, zorder=0)
    ax.scatter(x, exact, s=9, color="#0072B2", alpha=0.5, linewidths=0)
    ax.set(xlim=(-end, end), ylim=(-end, end), aspect="equal", xlabel=name)
    ax.set_title(f"slope {slope:.2f}, r {r:.3f}", fontsize=9)
    ax.locator_params(nbins=5)
    ax.tick_params(labelsize=7)
axes[0].set_ylabel("exact refit without the control")
figure.savefig(Path(__file__).with_suffix(".png"), dpi=130, metadata={"Software": None})

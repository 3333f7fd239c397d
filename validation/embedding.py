"""The node embedding experiment of the paper: whom does the removal of a Karate member affect?

    python validation/embedding.py [--published]

writes results/embedding.json and draws results/embedding.png, the paper's Figure 1. With
``--published`` it also trains as the published scripts do, by one step of stochastic gradient
descent for each pair of 1000 walks a node, which takes some minutes.

DeepWalk in two dimensions, walks of 6 nodes, window 3. Objects are the 34 members; targets are
the losses of all 1156 pairs, the removed member left out of its own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import networkx as nx
import numpy as np
from published_embedding import published_fits

import vifstats as vs
from vifstats.losses import NodeEmbedding
from vifstats.solvers import Cholesky
from vifstats.targets import PairLoss

RESULTS = Path(__file__).parent / "results"
KARATE = nx.karate_club_graph()
# Removing node 0 cuts the club in three; with 25 and 33 it makes most of the error.
HARD = (0, 25, 33)
SHOWN = ((12, 10), (15, 13))
PAPER = {"vif_pearson": 0.407, "ceiling": 0.419, "vif_minutes": 109, "refits_minutes": 204}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--published", action="store_true")
    file = RESULTS / "embedding.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    found |= {"paper": PAPER}
    for ridge in (1.0, 3.0):
        found[f"expected walks, ridge {ridge:g}"] = expected(ridge)
        found[f"1000 walks a node, ridge {ridge:g}"] = sampled(ridge)
    if arguments.parse_args().published:
        found["published training"] = published()
    file.write_text(json.dumps(found, indent=2) + "\n")
    figure(RESULTS / "embedding.png")


def fit(ridge: float, start: np.ndarray | None = None, **walks: Any) -> vs.Estimate:
    """A converged fit."""
    loss = NodeEmbedding(KARATE, dim=2, length=6, window=3, ridge=ridge, **walks)
    return vs.minimize(loss, loss.start() if start is None else start)


def expected(ridge: float) -> dict[str, Any]:
    """Everything against exact refits, on the exact expectation over walks."""
    est, target = fit(ridge), PairLoss()
    began = perf_counter()
    vif = vs.vif(est).on(target)
    vif_seconds = perf_counter() - began
    refits = vs.leave_one_out(est)
    exact = refits.on(target)
    approximations = {"vif": vif, "guarded newton": vs.newton_step(est, guard=True).on(target)}
    for steps in (1, 2, 3):
        truncated = vs.truncated_refits(est, max_steps=steps, radius=2.0)
        approximations[f"vif and {steps} trust-region steps"] = truncated.on(target)
    return {
        "seconds": {"all vif and pairs": vif_seconds, "all refits": refits.seconds},
        "refits_that_did_not_converge": int(refits.failed.sum()),
        "against_exact_refits": {
            name: agreement(influence.influence, exact.influence)
            for name, influence in approximations.items()
        },
        "without_nodes_0_25_33": agreement(vif.influence, exact.influence, HARD),
        "most_influential": {
            f"{u}-{v}": {
                name: most(influence.influence[:, 34 * u + v])
                for name, influence in (("vif", vif), ("refits", exact))
            }
            for u, v in SHOWN
        },
    }


def sampled(ridge: float) -> dict[str, Any]:
    """How far walks that are drawn, twice, agree with one another."""
    start = fit(ridge).theta
    found = {}
    for name, common in (("common random numbers", True), ("independent walks", False)):
        twice = [fit(ridge, start, samples=1000, common=common, seed=seed) for seed in (1, 2)]
        refits = [vs.leave_one_out(est).on(PairLoss()).influence for est in twice]
        vif = vs.vif(twice[0]).on(PairLoss()).influence
        found[name] = {
            "two_refits": agreement(refits[0], refits[1]),
            "vif_and_refit": agreement(vif, refits[0]),
        }
    return found


def published() -> dict[str, Any]:
    """The published training, twice: its own ceiling, and what vif makes of its first fit."""
    began = perf_counter()
    thetas = published_fits(nx.to_numpy_array(KARATE, weight=None) > 0, seeds=(0, 1))
    refits = [pair_influence(trained) for trained in thetas]
    loss = NodeEmbedding(KARATE, ridge=0.0, samples=1000, common=False)
    est = vs.Estimate(loss, thetas[0][0].ravel(), tol=np.inf)
    return {
        "seconds_of_training": perf_counter() - began,
        "two_refits": agreement(*refits),
        "smallest_eigenvalue": float(np.linalg.eigvalsh(est.hessian)[0]),
        "vif_and_refit": {
            f"damping {damping:g}": agreement(
                vs.vif(est, solver=Cholesky(damping=damping)).on(PairLoss()).influence, refits[0]
            )
            for damping in (5.0, 10.0, 30.0)
        },
    }


def pair_influence(thetas: np.ndarray) -> np.ndarray:
    """Full minus without, of the full fit and the 34 others: (35, 2, 34, 2) to (34, 1156)."""
    loss = NodeEmbedding(KARATE)
    target = PairLoss([(u, v) for u in loss.nodes for v in loss.nodes])
    full = target.value(thetas[0].ravel(), loss.everyone(), loss)
    return np.stack(
        [
            full - target.value(thetas[1 + i].ravel(), loss.each().presence(i), loss)
            for i in range(34)
        ]
    )


def agreement(a: np.ndarray, r: np.ndarray, without: tuple[int, ...] = ()) -> dict[str, float]:
    """Means over pairs of the correlations over removals, of slope and of largest error."""
    kept = np.setdiff1d(np.arange(len(a)), without)
    columns = []
    for x, y in zip(a[kept].T, r[kept].T, strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        columns.append((x[both], y[both]))
    ranks = [[np.argsort(np.argsort(side)) for side in column] for column in columns]
    return {
        "pearson": float(np.mean([np.corrcoef(x, y)[0, 1] for x, y in columns])),
        "spearman": float(np.mean([np.corrcoef(x, y)[0, 1] for x, y in ranks])),
        "slope": float(np.mean([x @ y / (x @ x) for x, y in columns])),
        "largest_relative_error": float(
            np.mean([np.abs(x - y).max() / np.abs(y).max() for x, y in columns])
        ),
        "removals_left_out": len(without),
    }


def most(influence: np.ndarray) -> list[int]:
    """The five members of largest influence."""
    return [int(k) for k in np.argsort(-np.abs(np.nan_to_num(influence)))[:5]]


def figure(file: Path) -> None:
    """Figure 1 of the paper: the club, and two pairs with the influence of every member."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    est = fit(1.0)
    vif, exact = (m(est).on(PairLoss(SHOWN)).influence for m in (vs.vif, vs.leave_one_out))
    canvas, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    place = nx.spring_layout(KARATE, seed=0)
    size = 60 + 900 * np.nanmean(np.abs(exact), axis=1) / np.nanmax(np.abs(exact))
    colours = ["#D55E00" if node in (0, 33) else "#0072B2" for node in KARATE]
    nx.draw_networkx_edges(KARATE, place, ax=axes[0], edge_color="0.8")
    nx.draw_networkx_nodes(KARATE, place, ax=axes[0], node_size=size, node_color=colours)
    nx.draw_networkx_labels(KARATE, place, ax=axes[0], font_size=6, font_color="white")
    axes[0].set_title("karate club; area: mean |influence|, orange: the hubs", fontsize=9)
    axes[0].axis("off")
    for ax, pair, x, y in zip(axes[1:], SHOWN, vif.T, exact.T, strict=True):
        end = 1.1 * np.nanmax(np.abs([x, y]))
        ax.plot([-end, end], [-end, end], color="0.75", linewidth=1, zorder=0)
        ax.scatter(x, y, s=14, c=colours)
        for node in most(y):
            ax.annotate(node, (x[node], y[node]), textcoords="offset points", xytext=(4, 3))
        both = np.isfinite(x) & np.isfinite(y)
        r = np.corrcoef(x[both], y[both])[0, 1]
        ax.set_title(f"pair {pair[0]}-{pair[1]}, Pearson {r:.2f}", fontsize=9)
        ax.set(xlabel="Versatile Influence Function", ylabel="exact refit", aspect="equal")
    canvas.savefig(file, dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()

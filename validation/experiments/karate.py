"""Node embedding of the karate club: whom does the removal of a member affect? With Figure 1."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

import vifstats as vs
from validation import paper
from validation.agreement import agreement
from validation.experiment import Bound, Clock, Experiment, Figure, Record, Table, at_least, at_most
from validation.experiments.published_embedding import published_fits
from vifstats.datasets import load_karate
from vifstats.losses import NodeEmbedding
from vifstats.plots import as_svg
from vifstats.plots.style import BLUE, FAINT, ORANGE, axes_for
from vifstats.solvers import Cholesky
from vifstats.targets import PairLoss

RIDGES = (1.0, 3.0)
STEPS = (1, 2, 3)
# Removing node 0 cuts the club in three; with 25 and 33 it makes most of the error.
HARD = (0, 25, 33)
HUBS = (0, 33)
SHOWN = ((12, 10), (15, 13))


def run(clock: Clock) -> dict[str, Any]:
    """On the exact expectation over walks, and on walks that are drawn."""
    found = {}
    for ridge in RIDGES:
        found[f"expected walks, ridge {ridge:g}"] = _expected(clock, ridge)
        found[f"1000 walks a node, ridge {ridge:g}"] = _sampled(ridge)
    return found


def fit(ridge: float, start: np.ndarray | None = None, **walks: Any) -> vs.Estimate:
    """A converged fit."""
    loss = NodeEmbedding(load_karate(), dim=2, length=6, window=3, ridge=ridge, **walks)
    return vs.minimize(loss, loss.start() if start is None else start)


def _expected(clock: Clock, ridge: float) -> dict[str, Any]:
    """Everything against exact refits."""
    est, target = fit(ridge), PairLoss()
    vif = clock.best(f"ridge {ridge:g}: all vif and pairs", lambda: _fresh(est, target), runs=3)
    with clock.timing(f"ridge {ridge:g}: all refits and pairs"):
        refits = vs.leave_one_out(est)
        exact = refits.on(target)
    methods = {"vif": vif, "newton, guarded": vs.newton_step(est, guard=True).on(target)}
    for steps in STEPS:
        truncated = vs.truncated_refits(est, max_steps=steps, radius=2.0)
        methods[f"vif and {steps} trust-region steps"] = truncated.on(target)
    kept = np.setdiff1d(np.arange(34), HARD)
    pairs = {f"{u}-{v}": 34 * u + v for u, v in SHOWN}
    return {
        "refits_that_did_not_converge": int(refits.failed.sum()),
        "methods": {name: agreement(i.influence, exact.influence) for name, i in methods.items()},
        "vif_without_nodes_0_25_33": agreement(vif.influence[kept], exact.influence[kept]),
        "pairs": {
            name: {
                "vif": vif.influence[:, at].tolist(),
                "refits": exact.influence[:, at].tolist(),
                "most_influential": {
                    "vif": _most(vif.influence[:, at]),
                    "refits": _most(exact.influence[:, at]),
                },
            }
            for name, at in pairs.items()
        },
        "mean_size_of_influence": np.nanmean(np.abs(exact.influence), axis=1).tolist(),
    }


def _fresh(est: vs.Estimate, target: PairLoss) -> vs.TargetInfluence:
    return vs.vif(vs.Estimate(est.loss, est.theta)).on(target)


def _sampled(ridge: float) -> dict[str, Any]:
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


def run_published(clock: Clock) -> dict[str, Any]:
    """The published training, twice: its own ceiling, and what vif makes of its first fit."""
    with clock.timing("training"):
        thetas = published_fits(nx.to_numpy_array(load_karate(), weight=None) > 0, seeds=(0, 1))
    refits = [_pair_influence(trained) for trained in thetas]
    loss = NodeEmbedding(load_karate(), ridge=0.0, samples=1000, common=False)
    est = vs.Estimate(loss, thetas[0][0].ravel(), tol=np.inf)
    return {
        "two_refits": agreement(*refits),
        "smallest_eigenvalue": float(np.linalg.eigvalsh(est.hessian)[0]),
        "vif_and_refit": {
            f"damping {damping:g}": agreement(
                vs.vif(est, solver=Cholesky(damping=damping)).on(PairLoss()).influence, refits[0]
            )
            for damping in (5.0, 10.0, 30.0)
        },
    }


def _pair_influence(thetas: np.ndarray) -> np.ndarray:
    """Full minus without, of the full fit and the 34 others: (35, 2, 34, 2) to (34, 1156)."""
    loss = NodeEmbedding(load_karate())
    target = PairLoss([(u, v) for u in loss.nodes for v in loss.nodes])
    full = target.value(thetas[0].ravel(), loss.everyone(), loss)
    return np.stack(
        [
            full - target.value(thetas[1 + i].ravel(), loss.each().presence(i), loss)
            for i in range(34)
        ]
    )


def _most(influence: np.ndarray) -> list[int]:
    """The five members of largest influence."""
    return [int(k) for k in np.argsort(-np.abs(np.nan_to_num(influence)))[:5]]


def tables(record: Record) -> list[Table]:
    """Methods against refits; walks that are drawn against themselves; whom it takes."""
    expected = {name: found for name, found in record.numbers.items() if "methods" in found}
    drawn = {name: found for name, found in record.numbers.items() if "methods" not in found}
    heads = ["Pearson", "Spearman", "slope", "largest error"]
    return [
        Table(
            "Mean over 1156 pairs, against exact refits (paper: vif "
            f"{paper.PEARSON['Karate']}, ceiling {paper.CEILING['Karate']})",
            ["", "", *heads],
            [
                [name, method, *_line(figures)]
                for name, found in expected.items()
                for method, figures in _shown(found).items()
            ],
        ),
        Table(
            "Two sets of refits on walks that are drawn",
            ["", *heads, "vif and refit, Pearson"],
            [
                [f"{name}, {how}", *_line(of["two_refits"]), *_line(of["vif_and_refit"])[:1]]
                for name, found in drawn.items()
                for how, of in found.items()
            ],
        ),
        Table(
            "The five most influential members",
            ["", "vif", "refits"],
            [
                [f"{name}, pair {pair}", *_members(of["most_influential"])]
                for name, found in expected.items()
                for pair, of in found["pairs"].items()
            ],
        ),
        _seconds(record),
    ]


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    return {**found["methods"], "vif without 0, 25, 33": found["vif_without_nodes_0_25_33"]}


def _members(lists: dict[str, list[int]]) -> list[str]:
    return [", ".join(map(str, lists[side])) for side in ("vif", "refits")]


def _seconds(record: Record) -> Table:
    rows = [[name, value] for name, value in record.seconds.items() if name != "in all"]
    rows += [["paper: all vif", paper.SECONDS_VIF["Karate"]]]
    rows += [["paper: all refits", paper.SECONDS_REFITS["Karate"]]]
    return Table("Seconds", ["", "seconds"], rows)


def _line(figures: dict[str, float]) -> list[str]:
    keys = ("pearson", "spearman", "slope", "largest_relative_error")
    return [f"{figures[key]:.3f}" for key in keys]


def published_tables(record: Record) -> list[Table]:
    """The published training against itself."""
    found = record.numbers
    rows = [["two trainings", *_line(found["two_refits"])]]
    rows += [[f"vif, {name}", *_line(figures)] for name, figures in found["vif_and_refit"].items()]
    return [
        Table(
            f"Published training (paper: vif {paper.PEARSON['Karate']}, ceiling "
            f"{paper.CEILING['Karate']}); least eigenvalue of H {found['smallest_eigenvalue']:.3g}",
            ["", "Pearson", "Spearman", "slope", "largest error"],
            rows,
        )
    ]


def figures(record: Record) -> list[Figure]:
    """Figure 1: the club, and two pairs with the influence of every member."""
    found = record.numbers["expected walks, ridge 1"]
    out = [_club(found["mean_size_of_influence"])]
    for name, pair in found["pairs"].items():
        x, y = (np.array(pair[side], dtype=float) for side in ("vif", "refits"))
        out.append(_pair(name, x, y))
    return out


def _club(size: list[float]) -> Figure:
    club = load_karate()
    area = 90 + 600 * np.array(size) / max(size)
    place = nx.spring_layout(club, seed=0)

    def draw(ax: Any) -> None:
        nx.draw_networkx_edges(club, place, ax=ax, edge_color=FAINT, width=0.6)
        nx.draw_networkx_nodes(club, place, ax=ax, node_size=area, node_color=_colours())
        nx.draw_networkx_labels(club, place, ax=ax, font_size=6, font_color="white")
        ax.axis("off")

    return Figure(
        as_svg(draw, size=(5.4, 4.0)),
        "The karate club; the hubs 0 and 33 are the most influential members.",
        "Area: mean influence of a member on all pairs, refitted. Orange: the hubs 0 and 33.",
    )


def _pair(name: str, x: np.ndarray, y: np.ndarray) -> Figure:
    end = 1.1 * np.nanmax(np.abs([x, y]))

    def draw(ax: Any) -> None:
        axes_for(ax)
        ax.plot([-end, end], [-end, end], color=FAINT, linewidth=0.6, zorder=0)
        ax.scatter(x, y, s=14, c=_colours())
        for node in _most(y):
            ax.annotate(node, (x[node], y[node]), textcoords="offset points", xytext=(4, 3))
        ax.set(xlabel="vif", ylabel="exact refit", title=f"pair {name}")

    return Figure(
        as_svg(draw, size=(4.4, 3.6)),
        f"Influence of every member on the loss of pair {name}, by vif and refitted.",
        "A point is a member; on the line the two agree. The five most influential are named.",
    )


def _colours() -> list[str]:
    return [ORANGE if node in HUBS else BLUE for node in range(34)]


def bounds(record: Record) -> list[Bound]:
    """With a few steps, and from walks that are drawn."""
    out = []
    for name, found in record.numbers.items():
        if "methods" in found:
            pearson = {method: figures["pearson"] for method, figures in found["methods"].items()}
            least = {"1": (0.84, 0.97), "3": (0.86, 0.99)}[name[-1]]
            without = found["vif_without_nodes_0_25_33"]["pearson"]
            steps = pearson["vif and 2 trust-region steps"]
            out += [
                at_least(f"{name}, Pearson of vif", pearson["vif"], least[0]),
                at_least(f"{name}, vif without nodes 0, 25 and 33", without, 0.95),
                at_least(f"{name}, vif and 2 trust-region steps", steps, least[1]),
            ]
        else:
            limits = {"common random numbers": 0.98, "independent walks": 0.95}
            out += [
                at_least(f"{name}, two refits, {how}", found[how]["two_refits"]["pearson"], limit)
                for how, limit in limits.items()
            ]
    slowest = max(s for name, s in record.seconds.items() if "vif" in name)
    refits = max(s for name, s in record.seconds.items() if "refits" in name)
    return [
        *out,
        at_most("seconds, all vif and pairs", slowest, 5),
        at_most("seconds, all refits", refits, 180),
    ]


KARATE = Experiment(
    name="karate",
    title="Karate: node embedding, and Figure 1",
    text=(
        "DeepWalk in two dimensions, walks of 6 nodes, window 3, by the exact expectation over "
        "walks and with a small ridge, so that the fit has a minimum. Every member leaves in turn; "
        "what is compared is the loss of each of the 1156 pairs, the member who left not in the "
        "pair. Node 0 is the only articulation point: without it the loss is indefinite at the "
        "full fit, and no one-step method is good there; a few trust-region steps are, and are "
        "called truncated refits. The paper compares refits on sampled walks by stochastic "
        "gradient descent, whose noise is its ceiling: two sets of converged refits on walks that "
        "are drawn agree far better."
    ),
    run=run,
    tables=tables,
    figures=figures,
    bounds=bounds,
    quick=True,
)
PUBLISHED = Experiment(
    name="karate_published",
    title="Karate in the published setting",
    text=(
        "As the published scripts train: one step of stochastic gradient descent for each pair of "
        "1000 walks from every node, twice with different seeds. Their agreement is the ceiling; "
        "vif is computed at the first training, where H is indefinite, with three dampings."
    ),
    run=run_published,
    tables=published_tables,
)
EXPERIMENTS = (KARATE, PUBLISHED)

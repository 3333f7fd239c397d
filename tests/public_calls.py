"""Every public callable with arguments that are right, and what kind each argument is of.

A test calls it as it is, and then with each argument replaced by what `wrong_values` has for its
kind. A new public callable is a new row; the completeness test names those that are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import autograd.numpy as anp
import networkx as nx
import numpy as np
import pandas as pd
import statsmodels.api as sm

import vifstats as vs
from vifstats import closed_form, datasets, losses, plots, solvers, streaming, targets
from vifstats.losses import row_losses as rl
from vifstats.losses.row_losses import links

N = 12
R = np.random.default_rng(4)
X = pd.DataFrame(R.normal(size=(N, 2)), columns=["a", "b"])
T = np.round(R.exponential(size=N) + 0.1, 2)
E = np.arange(N) % 4 > 0
Y = X.to_numpy() @ [1.0, -1.0] + R.normal(size=N)
SETS = np.arange(N) // 3
CASES = (np.arange(N) % 3 == 0).astype(float)
PROFILE = {"a": 1.0, "b": 0.0}
ROWS = pd.DataFrame({**X, "t": T, "e": E.astype(int), "y": Y}).sort_values("t")


def _log(theta: Any, b: Any) -> Any:
    return anp.sum(b * (theta[0] - Y) ** 2)


def _square(theta: Any, y: Any) -> Any:
    return 0.5 * (y - theta[0]) ** 2


def _score(theta: Any, b: Any) -> Any:
    return anp.array([anp.sum(b * (theta[0] - Y))])


def _row_score(theta: Any, y: Any) -> Any:
    return anp.array([y - theta[0]])


def _value(theta: Any, b: Any, loss: Any) -> Any:
    return theta[0]


@cache
def est() -> vs.Estimate:
    return vs.minimize(losses.Cox(X, T, E), [0.0, 0.0])


@cache
def inf() -> vs.Influence:
    return vs.vif(est())


@cache
def one() -> vs.Influence:
    return inf().take(np.array([0]))


@cache
def refits() -> vs.Influence:
    return vs.leave_one_out(est())


@cache
def change() -> vs.TargetInfluence:
    return inf().on(targets.RelativeRisk(PROFILE))


@cache
def curve() -> vs.TargetInfluence:
    return inf().on(targets.SurvivalProbability(PROFILE, [0.5, 1.0]))


@cache
def ols() -> vs.Estimate:
    return vs.minimize(losses.LinearPredictor(rl.SquaredError(), X, Y), [0.0, 0.0])


@cache
def logit() -> vs.Estimate:
    loss = losses.LinearPredictor(rl.Logistic(), X, CASES)
    return vs.minimize(loss, [0.0, 0.0])


@cache
def edited() -> vs.Estimate:
    return vs.edit(est(), event="flip")


@cache
def axes() -> Any:
    return plots.index_plot(inf())


@cache
def curves() -> vs.KaplanMeier:
    return vs.kaplan_meier(T, E)


@cache
def rms() -> vs.CurveInfluence:
    return curves().on(targets.RMST(None, tau=1.0))


@cache
def equations() -> vs.Equations:
    return vs.Equations(_score, N, 1)


@cache
def rivals() -> vs.Estimate:
    return vs.competing_risks(X, T, np.arange(N) % 3)


@cache
def embedded() -> vs.Estimate:
    loss = losses.NodeEmbedding(nx.path_graph(4), dim=1, ridge=20.0)
    return vs.Estimate(loss, np.zeros(loss.n_params), tol=np.inf)


@cache
def triplets() -> vs.Estimate:
    loss = losses.Triplet(X, SETS % 2, dim=1, ridge=200.0)
    return vs.Estimate(loss, np.zeros(loss.n_params), tol=np.inf)


@dataclass(frozen=True)
class Row:
    """A public callable.

    `kinds`: the kind of each argument, in the order of its signature, as words; `good`: arguments
    that are right, by name, those that need any.
    """

    call: Callable
    kinds: dict[str, str]
    good: Callable[[], dict[str, Any]]

    def with_wrong(self, argument: str, value: Any) -> Any:
        """Call it with one wrong argument, and all others right."""
        good = self.good()
        if self.kinds[argument] == "options":
            return self.call(**good, nonsense=value)
        if self.kinds[argument] != "data":
            return self.call(**{**good, argument: value})
        # what follows the fit by position, behind what stands before it in the signature
        before = list(self.kinds)[: list(self.kinds).index(argument)]
        return self.call(*[good.pop(name) for name in before], value, **good)


ROWS_OF: dict[str, Row] = {}


def row(row_name: str, call: Callable, kinds: str, /, **good: Any) -> None:
    """Add a row: kinds as "argument: kind, argument: kind"; what is cached is made when used."""
    of = dict(part.strip().split(": ") for part in kinds.split(",") if part.strip())
    ROWS_OF[row_name] = Row(
        call, of, lambda: {key: v() if hasattr(v, "cache_info") else v for key, v in good.items()}
    )


def result(row_name: str, kinds: str, of: Callable, /, **good: Any) -> None:
    """Add a row for a method of what `of` makes."""
    method = row_name.split(".")[-1]
    row(row_name, lambda *a, **k: getattr(of(), method)(*a, **k), kinds, **good)


# --- verbs -----------------------------------------------------------------------------------
WHO = "data: data, groups: labels?, objects: positions?"
ENGINE = "n_jobs: workers?, executor: executor?, checkpoint: path?"
row("vif", vs.vif, f"est: model, {WHO}, solver: solver?", est=est)
row("classical_if", vs.classical_if, f"est: model, {WHO}, solver: solver?", est=est)
row("newton_step", vs.newton_step, f"est: model, {WHO}, guard: flag", est=est)
REFIT = f"est: model, {WHO}, {ENGINE}, shard: shard?, progress: flag"
row("leave_one_out", vs.leave_one_out, f"{REFIT}, tol: positive, max_steps: count", est=est)
row(
    "truncated_refits",
    vs.truncated_refits,
    f"{REFIT}, max_steps: whole, radius: positive",
    est=est,
)
row(
    "refit_top",
    vs.refit_top,
    f"influence: model, n: whole, data: data, {ENGINE}, progress: flag",
    influence=inf,
    n=1,
)
row(
    "influence",
    vs.influence,
    f"fit: model, {WHO}, method: word, refit_top: whole, seconds: seconds, options: options",
    fit=est,
)
row("compare", vs.compare, "x: result, y: result?", x=inf, y=refits)
row(
    "compare_methods",
    vs.compare_methods,
    "x: model, data: data, objects: positions?",
    x=est,
)
row(
    "conclusions",
    vs.conclusions,
    "x: model, data: data, level: share, groups: labels?, objects: positions?",
    x=est,
)
row(
    "influential_set",
    vs.influential_set,
    "est: model, target: name, data: data, change: number?, flip: word?, level: share, "
    "groups: labels?, max_size: count?, method: word, column: whole",
    est=est,
    target="a",
    flip="sign",
    max_size=1,
)
row(
    "leave_one_group_out",
    vs.leave_one_group_out,
    "x: model, groups: labels, data: data, level: share",
    x=est,
    groups=SETS,
)
row(
    "leave_out",
    vs.leave_out,
    "x: model, rows: positions, data: data, groups: labels?, level: share",
    x=est,
    rows=[0],
)
row(
    "cross_validated_loglik",
    vs.cross_validated_loglik,
    "est: model, data: data, method: word, groups: labels?",
    est=est,
)
row(
    "choose_penalty",
    vs.choose_penalty,
    "est: model, penalties: numbers, data: data, scale: numbers?, method: word, groups: labels?",
    est=est,
    penalties=[1.0],
)
row("covariate_sensitivity", vs.covariate_sensitivity, "est: model, data: data", est=ols)
row(
    "edit",
    vs.edit,
    "est: model, data: data, event: edit?, time: edit?, covariates: covariates?, "
    "stratum: strata?, weights: edit?, outcome: edit?, entry: edit?, add: added?, rows: positions?",
    est=est,
    event="flip",
)
row(
    "fragility",
    vs.fragility,
    "est: model, treatment: name, data: data, edits: word, among: positions?, flip: word, "
    "level: share, max_size: count?",
    est=est,
    treatment="a",
    flip="sign",
    max_size=3,
)
row(
    "unadjusted_fragility",
    vs.unadjusted_fragility,
    "event: vector, arm: vector, level: share",
    event=[1] * 5 + [0] * 5,
    arm=[1] * 5 + [0] * 5,
)
row(
    "linearized",
    vs.linearized,
    "outputs: vector, jacobian: matrix, loss: loss, theta: theta?, penalty: penalty?, "
    "names: names?",
    outputs=np.zeros(N),
    jacobian=X.iloc[:, 0].to_frame(),
    loss=losses.Cox(X.iloc[:, 0].to_frame(), T, E),
)
row(
    "proximal",
    vs.proximal,
    "loss: loss, theta: theta, damping: not negative",
    loss=vs.MEstimator(_square, Y),
    theta=[0.0],
    damping=1.0,
)
row("firth", vs.firth, "est: model, data: data", est=logit)
row("alternatives", vs.alternatives, "edits: model", one=edited, two=edited)
row(
    "kaplan_meier",
    vs.kaplan_meier,
    "T: some numbers, E: vector?, groups: strata?, entry: vector?, weights: vector?",
    T=T,
)
row("from_model", vs.from_model, "fit: model, data: data, options: options", fit=sm.OLS(Y, X).fit())
row(
    "vif_cox",
    vs.vif_cox,
    "fit: theta, X: matrix, T: vector, E: vector?, entry: vector?, weights: vector?, "
    "strata: strata?, offset: vector?, groups: labels?, ties: word?, penalty: penalty?, "
    "method: word, refit_top: whole, tol: tolerance",
    fit=[0.0, 0.0],
    X=X,
    T=T,
    tol=np.inf,
)
row(
    "report",
    vs.report,
    "model: model, data: data, path: path, method: word, top: whole, rows: flag, unit: text?, "
    "title: text?, table: table?, treatment: name?, seconds: seconds, "
    "progress: flag, options: options",
    model=est,
    path="page.html",
    seconds=0.0,
)
# --- fits ------------------------------------------------------------------------------------
row(
    "Estimate",
    vs.Estimate,
    "loss: loss, theta: theta, names: names?, labels: names?, dispersion: positive, "
    "profile: function?, tol: tolerance, kept: positions?, groups: labels?, inference: result?",
    loss=losses.Cox(X, T, E),
    theta=[0.0, 0.0],
    tol=np.inf,
)
row(
    "minimize",
    vs.minimize,
    "loss: loss, start: theta, tol: positive, max_steps: count, options: options",
    loss=losses.Cox(X, T, E),
    start=[0.0, 0.0],
)
row(
    "root",
    vs.root,
    "equations: loss, start: theta?, tol: positive, max_steps: count, options: options",
    equations=equations,
    start=[0.0],
)
row("stack", vs.stack, "blocks: loss", one=equations)
row("joint", vs.joint, "fits: model", one=est, two=est)
row(
    "competing_risks",
    vs.competing_risks,
    "X: matrix, T: vector, cause: vector, ties: word, strata: strata?, weights: vector?, "
    "entry: vector?",
    X=X,
    T=T,
    cause=np.arange(N) % 3,
)
row(
    "check_loss",
    vs.check_loss,
    "loss: loss, theta: theta, penalty: function?, rebuild: function?, skip: some names?, "
    "max_objects: count, tol: positive",
    loss=vs.MEstimator(_square, Y[:3]),
    theta=[0.0],
)
row(
    "check_target",
    vs.check_target,
    "target: function, est: model, skip: some names?, max_objects: count, tol: positive",
    target=targets.RelativeRisk(PROFILE),
    est=est,
    max_objects=1,
)
row(
    "Inference",
    vs.Inference,
    "covariance: word, groups: labels?, distribution: word, df: positive?, information: word, "
    "corrected: flag?, factor: positive, counts: some numbers?, "
    "df_by: word?, reported: some numbers?, refusal: text",
)
# --- losses ----------------------------------------------------------------------------------
row(
    "Equations",
    vs.Equations,
    "psi: function, n_objects: count, n_params: count, labels: names?, names: names?, "
    "reads: some names",
    psi=_score,
    n_objects=N,
    n_params=1,
)
row(
    "RowEquations",
    vs.RowEquations,
    "psi: function, data: rows of data, labels: names?, names: some names?, n_params: count?, "
    "reads: some names, held: function?",
    psi=_row_score,
    data=Y,
)
row(
    "FunctionLoss",
    vs.FunctionLoss,
    "f: function, n_objects: count, n_params: count, labels: names?, names: names?, "
    "grad: function?, hess: function?, owned: function?, gauge: function?",
    f=_log,
    n_objects=N,
    n_params=1,
)
row(
    "MEstimator",
    vs.MEstimator,
    "f: function, data: rows of data, labels: names?, names: some names?, penalty: function?, "
    "grad: function?, hess: function?",
    f=_square,
    data=Y,
)
COX = "X: matrix, T: vector, E: vector?, entry: vector?, weights: vector?, strata: strata?"
row("losses.Cox", losses.Cox, f"{COX}, offset: vector?, ties: word, penalty: penalty?", X=X, T=T)
row(
    "losses.LinearPredictor",
    losses.LinearPredictor,
    "row_loss: loss, X: matrix, y: vector, offset: vector?, weights: vector?, penalty: penalty?, "
    "names: names?, labels: names?",
    row_loss=rl.SquaredError(),
    X=X,
    y=Y,
)
row(
    "losses.FineGray",
    losses.FineGray,
    "X: matrix, T: vector, cause: vector, of: name, weights: vector?, strata: strata?, "
    "offset: vector?, ties: word, penalty: penalty?",
    X=X,
    T=T,
    cause=np.arange(N) % 3,
    of=1,
)
row(
    "losses.SharedFrailty",
    losses.SharedFrailty,
    "X: matrix, T: vector, E: vector?, groups: labels, distribution: word",
    X=X,
    T=T,
    groups=SETS,
)
row(
    "losses.MixedModel",
    losses.MixedModel,
    "X: matrix, y: vector, groups: labels, Z: matrix?, components: components?, reml: flag",
    X=X,
    y=Y,
    groups=SETS,
)
row(
    "losses.FineGray",
    losses.FineGray,
    "X: matrix, T: vector, cause: vector, of: count, weights: vector?, strata: strata?, "
    "offset: vector?, ties: word, penalty: penalty?",
    X=X,
    T=T,
    cause=np.arange(N) % 3,
)
for name in ("ConditionalLogistic", "ConditionalPoisson"):
    row(
        f"losses.{name}",
        getattr(losses, name),
        "X: matrix, y: vector, sets: labels, offset: vector?, penalty: penalty?",
        X=X,
        y=CASES,
        sets=SETS,
    )
row(
    "losses.Edited",
    losses.Edited,
    "stacked: loss, rows: places, labels: names?",
    stacked=vs.MEstimator(_square, Y),
    rows=[2],
)
ITEMS = "items: count?, ridge: not negative, objects: word"
row(
    "losses.BradleyTerry",
    losses.BradleyTerry,
    f"winners: vector, losers: vector, {ITEMS}",
    winners=[0, 1, 2],
    losers=[1, 2, 0],
    ridge=1.0,
)
row(
    "losses.PlackettLuce",
    losses.PlackettLuce,
    f"rankings: lists, {ITEMS}, unranked: word",
    rankings=[[0, 1, 2], [2, 0, 1]],
    ridge=1.0,
)
row(
    "losses.ListMLE",
    losses.ListMLE,
    f"X: matrix, Y: lists, {ITEMS}",
    X=X[:2],
    Y=[[0, 1, 2], [2, 0, 1]],
    ridge=1.0,
)
row(
    "losses.SoftmaxCrossEntropy",
    losses.SoftmaxCrossEntropy,
    f"X: matrix, Y: lists, {ITEMS}, weights: word",
    X=X[:2],
    Y=[[1, 0], [0, 1]],
    ridge=1.0,
)
CODER = "encoder: function?, n_params: count?, gauge: function?, ridge: not negative"
row(
    "losses.InfoNCE",
    losses.InfoNCE,
    f"X: matrix, partners: matrix, temperature: positive, normalize: flag, negatives: word, "
    f"dim: count, {CODER}",
    X=X,
    partners=X + 0.1,
)
row(
    "losses.Triplet",
    losses.Triplet,
    f"X: matrix, y: labels, margin: not negative, dim: count, {CODER}",
    X=X,
    y=SETS,
)
row(
    "losses.NodeEmbedding",
    losses.NodeEmbedding,
    "graph: graph, dim: count, length: count, window: count, ridge: not negative, "
    "objects: word, samples: count?, common: flag, seed: whole",
    graph=nx.path_graph(4),
)
for name in ("Binomial", "Gamma", "Gaussian", "InverseGaussian", "PoissonGLM"):
    row(f"row_losses.{name}", getattr(rl, name), "link: loss", link=links.Log())
row("row_losses.Beta", rl.Beta, "mean: loss, precision: loss")
row("row_losses.GeneralizedPoisson", rl.GeneralizedPoisson, "power: positive")
row("row_losses.Multinomial", rl.Multinomial, "reference: flag")
row(
    "row_losses.NegativeBinomial",
    rl.NegativeBinomial,
    "link: loss, alpha: positive",
    link=links.Log(),
    alpha=1.0,
)
row("row_losses.NegativeBinomialP", rl.NegativeBinomialP, "power: positive")
row("row_losses.Ordered", rl.Ordered, "distribution: word")
row(
    "row_losses.Robust",
    rl.Robust,
    "norm: loss, scale: positive",
    norm=sm.robust.norms.HuberT(),
)
row("row_losses.Tweedie", rl.Tweedie, "link: loss, power: number", link=links.Log(), power=1.5)
row(
    "row_losses.ZeroInflated", rl.ZeroInflated, "counts: loss, inflation: word", counts=rl.Poisson()
)
# --- solvers ---------------------------------------------------------------------------------
DAMPED = "damping: not negative"
row("solvers.Cholesky", solvers.Cholesky, DAMPED)
row("solvers.Eigen", solvers.Eigen, f"cutoff: share, {DAMPED}")
row("solvers.Lanczos", solvers.Lanczos, f"rank: count, rest: positive?, {DAMPED}", rank=1)
STEPS = "tol: share, max_steps: count?"
row(
    "solvers.ConjugateGradient",
    solvers.ConjugateGradient,
    f"{STEPS}, {DAMPED}, preconditioner: function?",
)
row("solvers.LiSSA", solvers.LiSSA, f"scale: positive?, tol: share, max_steps: count, {DAMPED}")
# --- targets, asked of a fit that has them ---------------------------------------------------


def target(row_name: str, kinds: str, of: Callable = inf, /, **good: Any) -> None:
    """Add a row for a target: wrong where it is made, or where it is asked for."""
    made = getattr(targets, row_name)
    row(f"targets.{row_name}", lambda *a, **k: of().on(made(*a, **k)), kinds, **good)


@cache
def ols_inf() -> vs.Influence:
    return vs.vif(ols())


@cache
def rivals_inf() -> vs.Influence:
    return vs.vif(rivals())


@cache
def embedded_inf() -> vs.Influence:
    return vs.vif(embedded())


@cache
def triplets_inf() -> vs.Influence:
    return vs.vif(triplets())


BASELINE = "stratum: name?, ties: word?, exact: flag?"
target("AUC", "t: times", t=1.0)
target("BrierScore", "t: times", t=1.0)
target("AverageMarginalEffect", "name: name, discrete: flag, exact: flag?", ols_inf, name="a")
target("BaselineHazard", f"times: times?, {BASELINE}")
target("Coefficient", "name: name", name="a")
target("ConfidenceLimits", "name: name, level: share, exact: flag?", name="a")
target(
    "CumulativeIncidence",
    "x: profile, times: times, cause: name?",
    rivals_inf,
    x=[0.0, 0.0],
    times=[0.5],
)
target(
    "CumulativeIncidenceDifference",
    "x1: profile, x0: profile, times: times, cause: name?",
    rivals_inf,
    x1=[1.0, 0.0],
    x0=[0.0, 0.0],
    times=[0.5],
)
target(
    "ExampleLoss",
    "X: matrix, other: some labels",
    triplets_inf,
    X=X[:2],
    other=SETS[:2],
)
target("FunctionTarget", "f: function", f=_value)
target(
    "HeldOutLoss",
    "held_out: loss",
    ols_inf,
    held_out=losses.LinearPredictor(rl.SquaredError(), X[:5], Y[:5]),
)
target("LogHazardRatio", "x1: profile, x0: profile", x1=PROFILE, x0=PROFILE)
target("LogLikelihood", "exact: flag?")
target("SurvivalQuantile", f"x: profile, share: share, {BASELINE}", x=PROFILE)
target("MeanPrediction", "x: profile?, exact: flag?", ols_inf)
target("MedianSurvival", f"x: profile, {BASELINE}", x=PROFILE)
for name in ("PValue", "StandardError", "ZValue"):
    target(name, "name: name, exact: flag?", name="a")
target("PairLoss", "pairs: pairs?", embedded_inf)
target("ProportionalHazards", "transform: word")
target("RMST", f"x: profile, tau: positive, {BASELINE}", x=PROFILE, tau=1.0)
target(
    "RMSTDifference",
    f"x1: profile, x0: profile, tau: positive, {BASELINE}",
    x1=PROFILE,
    x0=PROFILE,
    tau=1.0,
)
target("RelativeRisk", "x: profile", x=PROFILE)
for name in ("StandardizedRMST", "StandardizedSurvival"):
    when = {"tau": 1.0} if name == "StandardizedRMST" else {"times": 1.0}
    kinds = "tau: positive" if name == "StandardizedRMST" else "times: times"
    target(name, f"x1: profile, x0: profile, {kinds}, ties: word?", x1=X, x0=X, **when)
target("SurvivalProbability", f"x: profile, times: times?, {BASELINE}", x=PROFILE)
# --- pictures --------------------------------------------------------------------------------
AX = "ax: axes?"


def plot(row_name: str, kinds: str, /, **good: Any) -> None:
    row(f"plots.{row_name}", getattr(plots, row_name), f"{kinds}, {AX}" if kinds else AX, **good)


row("plots.save", plots.save, "ax: axes, path: path, dpi: count", ax=axes, path="a.svg")
LABELS = "n_labels: whole"
plot(
    "agreement_plot",
    f"approximation: result, refits: result, name: name?, {LABELS}",
    approximation=inf,
    refits=refits,
)
row("plots.as_svg", plots.as_svg, "draw: function, size: size", draw=lambda ax: ax.plot([0, 1]))
plot(
    "counts_plot",
    "counts: one each, thresholds: one each, name: text, unit: text",
    counts=[1, 2, None],
    thresholds=[0.1, 0.2, 0.5],
    name="a",
)
plot("distribution_plot", "influence: result, name: name?, line: not negative?", influence=inf)
plot(
    "error_plot",
    f"approximation: result, refits: result, against: one each, xlabel: text, {LABELS}",
    approximation=inf,
    refits=refits,
    against=T,
)
plot(
    "forest_plot",
    "x: result, name: name, n_groups: count?, ratio: flag?, sort: word, numbers: flag",
    x=inf,
    name="a",
)
for name in ("index_plot", "time_plot"):
    plot(name, f"influence: result, name: name?, {LABELS}, line: not negative?", influence=inf)
plot("influence_plot", f"influence: result, {LABELS}", influence=inf)
plot("range_plot", "influence: result, names: columns?, ratio: flag, scaled: flag", influence=inf)
plot(
    "set_path_plot",
    "sizes: one each, predicted: one each, refitted: one each, threshold: finite?, what: text, "
    "members: text",
    sizes=[1, 2, 3],
    predicted=[0.1, 0.2, 0.3],
    refitted=[0.1, np.nan, 0.3],
)
plot(
    "survival_change_plot",
    "change: result, times: times, stairs: flag, unit: text?",
    change=curve,
    times=[0.5, 1.0],
)
plot(
    "survival_plot",
    "change: result, times: times, curve: vector?, unit: text?",
    change=curve,
    times=[0.5, 1.0],
)
plot("target_plot", f"change: result, column: whole?, {LABELS}", change=change)
plot("waterfall_plot", "influence: result, name: name, k: whole", influence=inf, name="a")
# --- formulas, streams, data -----------------------------------------------------------------
row(
    "closed_form.koh_liang_if",
    closed_form.koh_liang_if,
    "hessian: matrix, gradients: matrix",
    hessian=np.eye(2),
    gradients=np.ones((3, 2)),
)
for name in ("reid_crepeau_if", "vif_cox"):
    row(
        f"closed_form.{name}",
        getattr(closed_form, name),
        f"theta: theta, {COX}, offset: vector?, ties: word, penalty: penalty?, as_printed: flag",
        theta=[0.0, 0.0],
        X=X,
        T=T,
    )
OUTPUT = (
    "to: path?, keep: columns, target: profile?, top: whole, by: name, robust: flag, "
    "newton_steps: whole?, tol: tolerance, map: function, progress: flag"
)
row(
    "streaming.cox",
    streaming.cox,
    "theta: theta, chunks: table, time: column, event: column?, columns: columns?, "
    "strata: columns, weights: column?, offset: column?, entry: column?, ties: word, "
    f"penalty: penalty?, method: word, {OUTPUT}",
    theta=[0.0, 0.0],
    chunks=[ROWS],
    time="t",
    columns=["a", "b"],
)
row(
    "streaming.glm",
    streaming.glm,
    "row_loss: loss, theta: theta, chunks: table, y: column, columns: columns?, constant: flag, "
    "weights: column?, offset: column?, penalty: penalty?, dispersion: positive, " + OUTPUT,
    row_loss=rl.SquaredError(),
    theta=[0.0, 0.0],
    chunks=[ROWS],
    y="y",
    columns=["a", "b"],
)
row("streaming.row_groups", streaming.row_groups, "path: path", path="rows.parquet")
for name in ("delicious", "mediamill", "rcv1"):
    row(f"datasets.load_{name}", getattr(datasets, f"load_{name}"), "path: path?")
for name in ("metabric", "support"):
    row(f"datasets.load_{name}", getattr(datasets, f"load_{name}"), "path: path?, scaled: flag")
row(
    "datasets.read_table",
    datasets.read_table,
    "path: path, text: several, sep: text?",
    path="t.csv",
)
row(
    "datasets.require_columns",
    datasets.require_columns,
    "table: table, names: some columns",
    table=X,
    names=["a"],
)
# --- methods of results ----------------------------------------------------------------------
FILE = "path: file?, options: options"
TABLES: dict[str, Callable] = {
    "Agreement": cache(lambda: vs.compare(inf(), refits())),
    "Conclusions": cache(lambda: vs.conclusions(est())),
    "CrossValidation": cache(lambda: vs.cross_validated_loglik(est())),
    "Estimate": est,
    "Fragility": cache(lambda: vs.fragility(est(), "a", flip="sign", max_size=3)),
    "GroupsLeftOut": cache(lambda: vs.leave_one_group_out(est(), SETS)),
    "Influence": inf,
    "CurveInfluence": rms,
    "KaplanMeier": curves,
    "InfluentialSet": cache(lambda: vs.influential_set(est(), "a", flip="sign", max_size=1)),
    "LeftOut": cache(lambda: vs.leave_out(est(), [0])),
    "MethodComparison": cache(lambda: vs.compare_methods(est(), objects=[0, 1, 2])),
    "PenaltyChoice": cache(lambda: vs.choose_penalty(est(), [1.0])),
    "TargetInfluence": change,
}
for name, of in TABLES.items():
    result(f"{name}.to_csv", FILE, of)
    result(f"{name}.to_latex", FILE, of)
    result(f"{name}.to_excel", "path: file, options: options", of, path="t.xlsx")
    if name not in ("TargetInfluence", "CurveInfluence"):
        result(f"{name}.top", "n: whole, by: name?", of)
for name, of in (("TargetInfluence", change), ("CurveInfluence", rms)):
    result(f"{name}.top", "n: whole, by: name?, column: whole?", of)
    result(f"{name}.largest", "n: whole", of)
    result(f"{name}.position", "by: name?", of, by=None)
    result(f"{name}.plot", f"column: whole?, {AX}", of)
result("KaplanMeier.on", "target: function", curves, target=targets.RMST(None, tau=1.0))
COVARIANCE = "kind: word, groups: labels?"
result("Estimate.cov_params", COVARIANCE, est)
result("Estimate.confidence_limits", "level: share", est)
result("Estimate.summary", "level: share", est)
result("Estimate.removals", "groups: labels?, objects: positions?", est)
result("Estimate.solve", "rows: matrix, solver: solver?", est, rows=np.eye(2))
result("Estimate.solution", "rows: matrix, solver: solver?", est, rows=np.eye(2))
result(
    "Estimate.with_inference",
    "covariance: word, groups: labels?, distribution: word?, df: positive?",
    est,
)
result("Influence.cov_params", COVARIANCE, inf)
result("Influence.flagged", "threshold: not negative", inf)
result("Influence.on", "target: function, linear: flag", inf, target=_value)
result("Influence.on_each", "targets: targets, linear: flag", inf, targets=[_value])
result("Influence.plot_index", f"name: name?, {AX}", inf)
result("Influence.plot_influence", AX, inf)
result("Influence.take", "rows: places", inf, rows=np.array([0]))
result("Influence.with_rows", "rows: places, other: result", inf, rows=[0], other=one)
result("LeftOut.on", "target: function", TABLES["LeftOut"], target=_value)

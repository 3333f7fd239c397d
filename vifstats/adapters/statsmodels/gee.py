"""Generalized estimating equations of statsmodels, whose objects are the clusters.

The moment estimates of scale and working correlation are parameters too, so they are estimated
again without a cluster. See docs/mathematics.md, equation (41).
"""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats.adapters.matching import refuse
from vifstats.adapters.statsmodels.glm import link
from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate
from vifstats.losses import RowEquations
from vifstats.losses.row_losses.links import Link
from vifstats.targets.means_over_rows import derivative

__all__ = ["gee"]

# Variance functions of the families.
VARIANCES = {
    "Gaussian": lambda mu: anp.ones(np.shape(mu)),
    "Binomial": lambda mu: mu * (1 - mu),
    "Poisson": lambda mu: mu,
    "Gamma": lambda mu: mu**2,
    "InverseGaussian": lambda mu: mu**3,
}
CORRELATIONS = ("Independence", "Exchangeable")


@dataclass(frozen=True, eq=False)
class Clusters:
    """The equations of each cluster, for clusters padded to one length.

    Liang & Zeger (1986), Biometrika 73, equation (7), and the moments of section 3.3.
    """

    link: Link
    family: str
    exchangeable: bool
    ddof: float

    def __call__(self, theta: Any, data: dict[str, np.ndarray]) -> Any:
        X, there = data["X"], data["there"]
        p, sizes = X.shape[2], there.sum(axis=1)
        eta = anp.dot(X, theta[:p]) + data["offset"]
        # what is padded has a mean of its own, that nothing reads
        eta = anp.where(there > 0, eta, data["somewhere"])
        mu, slope = self.link.inverse(eta), derivative(self.link.inverse)(eta)
        spread = anp.sqrt(VARIANCES[self.family](mu))
        r = there * (data["y"] - mu) / spread
        D = (there * slope / spread)[:, :, None] * X
        if not self.exchangeable:
            return -anp.einsum("itp,it->ip", D, r)
        scale, alpha = theta[p], theta[p + 1]
        total, squares = anp.sum(r, axis=1), anp.sum(r**2, axis=1)
        # R^-1 r of an exchangeable R
        shared = alpha / (1 + (sizes - 1) * alpha)
        u = there * (r - (shared * total)[:, None]) / (1 - alpha)
        score = -anp.einsum("itp,it->ip", D, u)
        pairs = sizes * (sizes - 1) / 2
        moments = [
            scale * sizes - squares,
            alpha * scale * pairs - (total**2 - squares) / 2,
        ]
        return anp.concatenate([score, anp.stack(moments, axis=1)], axis=1)

    def held(self, theta: Any) -> Any:
        """The degrees of freedom that both moments lose, whoever is there."""
        scale, alpha = theta[-2], theta[-1]
        lost = anp.stack([-self.ddof * scale, -self.ddof * alpha * scale])
        return anp.concatenate([anp.zeros(len(theta) - 2), lost])


def gee(fit: Any, *, groups: Any = None, tol: float = 1e-2, **options: Any) -> Estimate:
    """An estimate from GEE with independent or exchangeable working correlation.

    Its objects are the clusters, its labels theirs. Raises UnsupportedModelError for other
    correlations, families or weights.
    """
    refuse("statsmodels keeps the data of the fit", groups=groups, **options)
    model = fit.model
    family, correlation = type(model.family).__name__, type(model.cov_struct).__name__
    _require_followed(model, family, correlation)
    data, labels = _padded(model)
    exchangeable = correlation == "Exchangeable"
    equations = Clusters(link(model.family.link), family, exchangeable, float(model.ddof_scale))
    names = [str(name) for name in model.exog_names]
    theta = np.asarray(fit.params, dtype=float)
    if exchangeable:
        names += ["scale", "correlation"]
        theta = np.append(theta, [_scale(equations, theta, data), float(fit.cov_struct.dep_params)])
    loss = RowEquations(
        equations,
        data,
        labels=labels,
        names=names,
        held=equations.held if exchangeable else None,
    )
    return Estimate(loss, theta, tol=tol)


def _require_followed(model: Any, family: str, correlation: str) -> None:
    if correlation not in CORRELATIONS or family not in VARIANCES:
        raise UnsupportedModelError(
            f"A GEE must have a working correlation of {CORRELATIONS} and a family of "
            f"{sorted(VARIANCES)}, but has {correlation} and {family}; write its equations with "
            "vifstats.RowEquations, one row of terms per cluster."
        )
    if model.weights is not None or model.constraint is not None:
        raise UnsupportedModelError(
            "A GEE must have no weights and no constraint, but has some; write its equations with "
            "vifstats.RowEquations, one row of terms per cluster."
        )


def _padded(model: Any) -> tuple[dict[str, np.ndarray], pd.Index]:
    """Clusters by their longest, in the order of statsmodels, with their labels."""
    labels = list(model.group_labels)
    sizes = [len(y) for y in model.endog_li]
    shape = len(sizes), max(sizes)
    X = np.zeros((*shape, model.exog.shape[1]))
    y, there, offset = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    extra = getattr(model, "_offset_exposure", None)
    extra = np.broadcast_to(0.0 if extra is None else np.asarray(extra), len(model.endog))
    for k, label in enumerate(labels):
        rows = np.asarray(model.group_indices[label])
        X[k, : sizes[k]], y[k, : sizes[k]] = model.exog[rows], model.endog[rows]
        there[k, : sizes[k]] = 1.0
        offset[k, : sizes[k]] = extra[rows]
    somewhere = np.asarray(model.family.link(model.family.starting_mu(model.endog)))[0]
    data = {"y": y, "X": X, "there": there, "offset": offset, "somewhere": np.array(somewhere)}
    return data, pd.Index(labels)


def _scale(equations: Clusters, theta: np.ndarray, data: dict[str, np.ndarray]) -> float:
    """The moment estimate of the scale at these coefficients."""
    terms = equations(np.append(theta, [0.0, 0.0]), data)[:, -2]
    return float(-terms.sum() / (data["there"].sum() - equations.ddof))

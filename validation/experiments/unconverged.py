"""A theta that is not at the minimum: what early stopping does to each approximation."""

from __future__ import annotations

from typing import Any

import numpy as np

import vifstats as vs
from validation import fits
from validation.experiment import Bound, Clock, Experiment, Figure, Record, Table, at_most
from validation.figures import lines

DATA = "lung"
# Distance from the minimum at which the fit is stopped: the Newton step left, in standard errors.
STOPS = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4)
MOST = 100_000


def run(clock: Clock) -> dict[str, Any]:
    """Relative errors of all dfbeta where gradient descent was stopped."""
    est = fits.cox(DATA)
    refits = vs.leave_one_out(est).values
    return {f"{stop:g}": _at(est, theta, refits) for stop, theta in _path(est)}


def _path(est: vs.Estimate) -> list[tuple[float, np.ndarray]]:
    """Gradient descent from 0 in units of the diagonal of H, and where it falls below each stop."""
    loss, theta, out = est.loss, np.zeros(len(est.theta)), []
    scale = np.diag(loss.hessian(theta))
    for _ in range(MOST):
        g = loss.gradient(theta)
        left = np.abs(est.solve(g[None])[0] / est.standard_errors).max()
        while len(out) < len(STOPS) and left < STOPS[len(out)]:
            out.append((STOPS[len(out)], theta.copy()))
        if len(out) == len(STOPS):
            break
        theta = theta - 0.5 * g / scale
    return out


def _at(est: vs.Estimate, theta: np.ndarray, refits: np.ndarray) -> dict[str, float]:
    here = vs.Estimate(est.loss, theta, tol=np.inf)
    removals = here.removals()
    newton = vs.newton_step(here).values
    H = here.loss.reduced_hessians(theta, removals)
    total = here.loss.gradient(theta)
    found = {
        "if": vs.classical_if(here).values,
        "vif": vs.vif(here).values,
        "newton": newton,
        # theta - theta(-i) by a plain Newton step on the reduced loss, from where theta is
        "newton, gradient as it is": newton
        + np.linalg.solve(H, np.tile(total, (len(H), 1))[:, :, None])[:, :, 0],
    }
    norm = np.linalg.norm(refits)
    errors = {name: float(np.linalg.norm(a - refits) / norm) for name, a in found.items()}
    return {"norm_of_gradient": float(np.linalg.norm(total)), **errors}


def tables(record: Record) -> list[Table]:
    """One line for each stop."""
    names = list(next(iter(record.numbers.values())))
    return [
        Table(
            f"{DATA}: relative error against exact refits where gradient descent was stopped",
            ["Newton step left, se", "norm of the gradient", *names[1:]],
            [[stop, *found.values()] for stop, found in record.numbers.items()],
        )
    ]


def figures(record: Record) -> list[Figure]:
    """Log-log."""
    names = [n for n in next(iter(record.numbers.values())) if n != "norm_of_gradient"]
    x = [float(stop) for stop in record.numbers]
    return [
        lines(
            {name: (x, [found[name] for found in record.numbers.values()]) for name in names},
            xlabel="distance from the minimum, standard errors",
            ylabel="relative error",
            alt="Differences of gradients are hurt little; the gradient as it is, much.",
            how="Relative error of all dfbeta against converged refits; both axes are logarithmic.",
            logx=True,
            logy=True,
        )
    ]


def bounds(record: Record) -> list[Bound]:
    """A hundredth of a standard error, which the package lets pass, does little harm."""
    here, end = record.numbers["0.01"], record.numbers["0.0001"]
    return [
        at_most(f"error of {m} that 0.01 se adds", here[m] - end[m], 0.01)
        for m in ("if", "vif", "newton")
    ]


EXPERIMENT = Experiment(
    name="unconverged",
    title="What if the fit has not converged?",
    text=(
        "Gradient descent on the Cox model of lung is stopped at several gradient norms, given "
        "also as the Newton step that is left in standard errors, and the influence is computed "
        "there and compared with refits that converged. if, vif and newton take differences of "
        "gradients, in which most of what is left cancels. A plain Newton step on the reduced loss "
        "takes the gradient as it is, and so moves by what the fit lacks as well. The package "
        "refuses a theta further than 0.01 standard errors from the minimum unless told otherwise."
    ),
    run=run,
    tables=tables,
    figures=figures,
    bounds=bounds,
    quick=True,
)

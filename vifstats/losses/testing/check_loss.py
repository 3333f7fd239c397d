"""A test kit for a loss, or equations, of your own: whether the contract of all methods is kept."""

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.base import Loss
from vifstats.losses.equations import EstimatingEquations
from vifstats.losses.stacked import Stacked
from vifstats.losses.testing import EQUATION_RULES, RULES, EquationTrial, Trial
from vifstats.losses.testing.running import as_table, as_text, found_by
from vifstats.tabular import Tabular
from vifstats.typing import ArrayLike1D, ParameterFunction

__all__ = ["LossReport", "check_loss"]


@dataclass(frozen=True, eq=False)
class LossReport(Tabular):
    """What was checked, and what was found: a loss with a report has passed.

    Attributes
    ----------
    loss : Loss
    findings : dict of str to str
        One sentence per rule.

    Examples
    --------
    >>> import vifstats as vs
    >>> y = np.array([1.0, 3.0, 5.0])
    >>> loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    >>> print(str(check_loss(loss, [0.0])).splitlines()[0])
    MEstimator of 3 objects keeps its contract
    """

    loss: Loss
    findings: dict[str, str]

    @property
    def table(self) -> pd.DataFrame:
        """A line for each rule."""
        return as_table(self.findings)

    def _heading(self) -> list[str]:
        kept = "keeps its contract" if self.loss.minimised else "keep their contract"
        return [f"{type(self.loss).__name__} of {self.loss.n_objects} objects {kept}"]

    def __repr__(self) -> str:
        return as_text(self._heading()[0], self.findings)


def check_loss(
    loss: Loss,
    theta: ArrayLike1D,
    *,
    penalty: ParameterFunction | None = None,
    rebuild: Callable[[np.ndarray], Loss] | None = None,
    skip: Collection[str] = (),
    max_objects: int = 30,
    tol: float = 1e-8,
) -> LossReport:
    """Check that a loss, or equations, keep the contract of `Loss`, at one place theta.

    Parameters
    ----------
    loss : Loss
        `EstimatingEquations` too; of a `stack`, each block by itself.
    theta : array_like, shape (n_params,)
        Any place where the loss is smooth; it need not be the minimum.
    penalty : callable, optional
        ``penalty(theta)``: what no object owns, and so all that is left at presence 0, a number, or
        of equations one for each parameter. Default the loss's own ``penalty``, or ``held``; where
        it has none, any value that no object's data change is taken for one.
    rebuild : callable, optional
        ``rebuild(kept)``: the loss built from the objects at these positions only. With it the
        rules "sum" and "absent data" are exact; without it they are what can be told from the
        values of the loss and from the arrays that its functions read.
    skip : collection of str
        Rules to leave out, where you know better: see Notes.
    max_objects : int
        Objects tried one at a time; above this number they are drawn (always the same).
    tol : float
        Largest error of an override, relative to the largest entry of the default.

    Returns
    -------
    LossReport

    Raises
    ------
    LossError
        At the first rule that is broken, with the finding and the remedy.
    InvalidTypeError, InvalidInputError
        If `loss` is not a loss, a stack, or equations that read the parameters of others.

    Notes
    -----
    The rules, in order:

    - "number": one finite float, the same each time.
    - "presence": the value changes when objects leave.
    - "theta": autograd can differentiate it; gradient and Hessian are not both 0.
    - "sum": the loss is not a mean. Removing objects must not rescale the rest: at half of every
      object's presence a mean is what it was; two random halves of the objects together
      curve twice as much as all of them. A mean that is meant (softmax over the positive
      items with weights 1/k) breaks this rule on purpose: skip it. So may a loss of strongly
      dependent objects. A sum divided by a constant n only scales the loss; it is caught by
      ``rebuild``, and without it where the loss is a plain function of arrays.
    - "absent": values, gradients and second derivatives stay finite without any of the objects,
      with one object alone, and with none. Where the loss grows beyond all bounds as the absent
      fade out, as the determinant of an information does that too few rows are left for, it is
      not defined, and no rule looks at it.
    - "autodiff": the automatic gradient equals differences of the value.
    - "overrides": every method that is overridden equals its automatic default.
    - "owned": parameters that vanish with an object have no slope without it, but for the
      rounding of terms that cancel, and no others.
    - "gauge": along its gauge directions the loss does not change, whoever is present.
    - "penalty": without objects only the penalty is left.
    - "absent data": what belongs to an absent object is not read. Each array with one row per
      object is copied with one row replaced; the value may not change once the object of
      that row is absent.

    Of equations psi the same is asked. Where a rule looks at a value it looks at psi along one
    direction, and where a loss curves, at the slope of psi; "owned" and "gauge" have no meaning.

    Examples
    --------
    >>> import vifstats as vs
    >>> from vifstats.losses.testing.check_loss import check_loss
    >>> y = np.array([1.0, 3.0, 5.0, 8.0])
    >>> loss = vs.FunctionLoss(lambda theta, b: 0.5 * (b * (y - theta[0]) ** 2).sum(), 4, 1)
    >>> report = check_loss(loss, [2.0])
    >>> report.findings["presence"]
    'the value is 23.5 with all objects, 0 with none'
    >>> mean = vs.FunctionLoss(lambda theta, b: (b * (y - theta[0]) ** 2).sum() / b.sum(), 4, 1)
    >>> check_loss(mean, [2.0])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.LossError: A loss must be a sum ...
    """
    if not isinstance(loss, Loss):
        raise InvalidTypeError(
            f"`loss` must be a vifstats.losses.Loss, but is {loss!r}; wrap a function in "
            "FunctionLoss."
        )
    theta = checks.parameters(theta, loss.n_params)
    for name, given in (("penalty", penalty), ("rebuild", rebuild)):
        if given is not None:
            checks.function(given, name)
    n_objects, tol = (
        checks.counting_number(max_objects, "max_objects"),
        checks.positive_number(tol, "tol"),
    )
    skip = checks.unique_names(skip, "skip")
    rules, kind = RULES, Trial
    if isinstance(loss, EstimatingEquations):
        _require_alone(loss)
        rules, kind = EQUATION_RULES, EquationTrial
    trial = kind(loss, theta, penalty, rebuild, n_objects, tol)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what they warn of is an error here
        return LossReport(loss, found_by(rules, trial, skip))


def _require_alone(equations: EstimatingEquations) -> None:
    if isinstance(equations, Stacked) or equations.reads:
        raise InvalidInputError(
            "Equations are checked one block at a time, with the parameters that they read given, "
            f"but these are {'a stack' if isinstance(equations, Stacked) else equations!r}; check "
            "`block.given((theta_of_first, ...))` of each block."
        )

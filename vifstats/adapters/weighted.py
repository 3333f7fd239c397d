"""Outcome models whose weights come from a propensity model: both steps as one estimator.

Holding the weights fixed while a row leaves is what the outcome model alone would do; here they are
estimated again without it. See docs/mathematics.md, equation (44).
"""

from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from vifstats import checks
from vifstats.adapters.stacks import block_of
from vifstats.errors import DataMismatchError, InvalidInputError
from vifstats.estimate import Estimate
from vifstats.losses import LinearPredictor, RowEquations
from vifstats.losses.autodiff import row_jacobian
from vifstats.losses.reweighted import Reweighted, require_reweighted
from vifstats.losses.stacked import Block, Stacked, common_labels
from vifstats.targets.prediction import mean_function
from vifstats.typing import FittedModel

__all__ = ["weighted"]

ESTIMANDS = ("ATE", "ATT", "ATO")
# The weights of a fit agree with those of its propensity model up to this relative difference.
SAME_WEIGHTS = 1e-6


@dataclass(frozen=True, eq=False)
class PropensityWeights:
    """Weights that make the treated and the others comparable, from a propensity model.

    With e the probability of treatment A: "ATE" has A/e + (1 - A)/(1 - e), "ATT"
    A + (1 - A) e/(1 - e), "ATO" A (1 - e) + (1 - A) e.
    """

    propensity: LinearPredictor
    estimand: str
    stabilized: bool

    def weights(self, *earlier: np.ndarray) -> np.ndarray:
        """Shape (n_objects,)."""
        return np.asarray(self._traced(np.concatenate(earlier)))

    def slopes(self, *earlier: np.ndarray) -> np.ndarray:
        """Derivatives in the parameters of the propensity, and the share of the treated."""
        return row_jacobian(self._traced, np.concatenate(earlier))

    def _traced(self, joined: Any) -> Any:
        A, p = np.asarray(self.propensity.y), self.propensity.n_params
        design, offset = self.propensity.designs[0], self.propensity.offsets[0]
        e = mean_function(self.propensity)(anp.dot(design, joined[:p]) + offset)
        if self.estimand == "ATT":
            return A + (1 - A) * e / (1 - e)
        if self.estimand == "ATO":
            return A * (1 - e) + (1 - A) * e
        if not self.stabilized:
            return A / e + (1 - A) / (1 - e)
        share = joined[p]
        return A * share / e + (1 - A) * (1 - share) / (1 - e)


def weighted(
    outcome: Estimate,
    propensity: Estimate | FittedModel,
    estimand: str = "ATE",
    stabilized: bool = False,
) -> Estimate:
    """The outcome model and the propensity model that its weights came from, as one estimate.

    The parameters of the propensity come first, as "weights: name", and those of the outcome last,
    by their own names. Raises DataMismatchError where the outcome's case weights are not those of
    the propensity model, InvalidInputError where a propensity is 0 or 1.
    """
    checks.one_of(estimand, ESTIMANDS, "estimand")
    if checks.flag(stabilized, "stabilized") and estimand != "ATE":
        raise InvalidInputError(
            "Stabilized weights are those of the ATE times the share of the treated, but "
            f"`estimand` is {estimand!r}; leave `stabilized` out."
        )
    first = block_of("weights", propensity)
    loss = _binary(first.equations)
    require_reweighted(outcome.loss)
    blocks = {"weights": first}
    reads: tuple[str, ...] = ("weights",)
    if stabilized:
        blocks["share"], reads = _share_of_treated(loss, first), ("weights", "share")
    weigh = PropensityWeights(loss, estimand, stabilized)
    earlier = tuple(np.asarray(block.theta) for block in blocks.values())
    _require_overlap(loss, first)
    second = block_of("outcome", outcome, prefix="")
    common_labels({**blocks, "outcome": second})
    _require_same_weights(outcome, weigh.weights(*earlier), second)
    score = Reweighted(outcome.loss, weigh, reads)
    blocks["outcome"] = Block(score, second.n_params, second.names, second.labels, second.theta)
    stacked = Stacked(blocks)
    theta = stacked.start(None)
    return Estimate(stacked, theta, labels=outcome.labels, kept=outcome.kept, groups=outcome.groups)


def _binary(loss: Any) -> LinearPredictor:
    rows = isinstance(loss, LinearPredictor) and len(loss.designs) == 1 and loss.row_loss.binary
    if rows and np.isin(loss.y, (0.0, 1.0)).all():
        return loss
    raise InvalidInputError(
        "`weights_from` must be a model of a treatment that is 0 or 1, such as a logit, but is "
        f"of a {type(loss).__name__}; fit the propensity by Logit, Probit or a binomial GLM."
    )


def _share_of_treated(loss: LinearPredictor, first: Block) -> Block:
    equation = RowEquations(_less_share, loss.y, names=["share treated"], labels=first.labels)
    share = np.array([np.mean(loss.y)])
    return Block(equation, 1, ("weights: share treated",), first.labels, share)


def _less_share(share: Any, treated: np.ndarray) -> Any:
    return anp.reshape(share[0] - treated, (-1, 1))


def _require_overlap(loss: LinearPredictor, first: Block) -> None:
    e = np.asarray(mean_function(loss)(loss.predictors.at(np.asarray(first.theta))[0]))
    bad = np.flatnonzero(~((e > 0) & (e < 1)))
    if len(bad):
        raise InvalidInputError(
            f"Propensities must lie between 0 and 1, but {checks.at(bad, first.labels)} has "
            f"{e[bad[0]]:g} ({checks.such_rows(len(bad))}); drop the rows that could not have been "
            "treated otherwise, or use ATO."
        )


def _require_same_weights(outcome: Estimate, weights: np.ndarray, block: Block) -> None:
    """The weights of the outcome model are those of the propensity, but for one factor."""
    loss: Any = outcome.loss
    own = loss.weights if isinstance(loss, LinearPredictor) else loss.data.weights
    ratio = own / weights
    apart = np.abs(ratio / np.median(ratio) - 1)
    if apart.max() > SAME_WEIGHTS:
        worst = int(np.argmax(apart))
        raise DataMismatchError(
            "The outcome model must have been fitted with the weights of `weights_from`, but "
            f"{checks.at(np.array([worst]), block.labels)} has the weight {own[worst]:.6g}, and "
            f"{weights[worst]:.6g} by the propensity "
            f"({checks.such_rows((apart > SAME_WEIGHTS).sum())}). Pass the model that they came "
            "from, its estimand and `stabilized`; trimmed weights are not a function of the "
            "propensity here."
        )

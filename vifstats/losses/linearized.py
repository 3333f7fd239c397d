"""A network replaced by its tangent: losses of its outputs, as losses in its parameters.

With outputs y(theta) ~ y + J (theta - theta0) the Hessian in theta is J' H_y J, the generalised
Gauss-Newton matrix, which is never indefinite where the loss is convex in the outputs.
"""

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.checks.arrays import numbers
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses import autodiff
from vifstats.losses.base import Loss
from vifstats.losses.cox.loss import Cox
from vifstats.losses.penalty import penalised
from vifstats.losses.ranking.item_choice import ItemChoice
from vifstats.losses.regression.linear_predictor import LinearPredictor
from vifstats.removals import Removals
from vifstats.typing import ArrayLike, ArrayLike1D, Penalty

__all__ = ["Linearized", "linearized"]


def linearized(
    outputs: ArrayLike,
    jacobian: ArrayLike,
    loss: Loss,
    *,
    theta: ArrayLike1D | None = None,
    penalty: Penalty | None = None,
    names: Sequence[str] | None = None,
) -> Loss:
    """The loss of a network's parameters, with the network replaced by its tangent.

    The network may come from any library: its outputs and their Jacobian are all that is read. The
    Hessian is the generalised Gauss-Newton matrix, so that `vif` of it is the influence on the
    network as far as it is linear near theta.

    Parameters
    ----------
    outputs : array_like, shape (n,) or (n, k)
        What the network predicts: log hazard ratios, scores of items, predictors of rows.
    jacobian : array_like, shape (n, n_params) or (n, k, n_params)
        Their derivatives in the parameters.
    loss : Loss
        What the network was trained to minimise: `Cox`, `LinearPredictor`, `ListMLE` or
        `SoftmaxCrossEntropy` of the same objects, whose design and penalty are not read; or a
        loss whose parameters are the outputs, in row-major order.
    theta : array_like, shape (n_params,), optional
        The parameters of the network; default 0, so that those of the loss are changes of them.
        A penalty needs them.
    penalty : float or array_like, shape (n_params,) or (n_params, n_params), optional
        P of 0.5 theta' P theta, such as weight decay.
    names : sequence of str, optional
        One name per parameter.

    Returns
    -------
    Loss
        A `Cox` or `LinearPredictor`, with all their fast methods, where each object has one output.

    Raises
    ------
    InvalidInputError
        If shapes do not fit, or numbers are not finite.
    InvalidTypeError
        If the loss is not one of outputs.

    References
    ----------
    Schraudolph (2002), Neural Computation 14; Martens (2020), J. Mach. Learn. Res. 21, section 8;
    docs/mathematics.md, equation (62).

    Examples
    --------
    A network that is linear is its own tangent:

    >>> import vifstats as vs
    >>> X, T = np.array([[0.0], [1.0], [0.0], [1.0], [0.5]]), [5.0, 4.0, 3.0, 2.0, 1.0]
    >>> cox = vs.losses.Cox(X, T)
    >>> est = vs.minimize(cox, [0.0])
    >>> tangent = vs.linearized(X @ est.theta, X, cox, theta=est.theta)
    >>> bool(np.allclose(tangent.hessian(est.theta), est.hessian))
    True
    """
    if not isinstance(loss, Loss):
        raise InvalidTypeError(
            f"`loss` must be a vifstats.losses.Loss of the network's objects, but is {loss!r}; "
            "for example vifstats.losses.Cox(X, T, E)."
        )
    y, J = _finite(outputs, "outputs"), _finite(jacobian, "jacobian")
    if J.shape[:-1] != y.shape or J.ndim != y.ndim + 1:
        raise InvalidInputError(
            f"`jacobian` must have the shape of the outputs, {y.shape}, and one more axis for the "
            f"parameters, but has shape {J.shape}; jax.jacrev gives it so."
        )
    at = np.zeros(J.shape[-1]) if theta is None else checks.parameters(theta, J.shape[-1])
    if penalty is not None and theta is None:
        raise InvalidInputError(
            "A penalty is on the parameters of the network, but `theta` is not given; pass both."
        )
    names = checks.parameter_names(names, None, at, len(at))
    if isinstance(loss, Cox):
        _require_shape(y, (loss.n_objects,), "a Cox model")
        return _cox(loss, y - J @ at, J, penalty, names)
    if isinstance(loss, LinearPredictor):
        return _rows(loss, y, J, at, penalty, names)
    if isinstance(loss, ItemChoice):
        _require_shape(y, (len(loss.queries), len(loss.items)), "scores of items by query")
        loss, y, J = loss.of_scores(), y.T, np.swapaxes(J, 0, 1)
    elif loss.n_params != y.size:
        raise InvalidTypeError(
            "`loss` must be Cox, LinearPredictor, ListMLE or SoftmaxCrossEntropy, or a loss whose "
            f"parameters are the {y.size} outputs, but is a {type(loss).__name__} of "
            f"{loss.n_params} parameters; write it as FunctionLoss(f, n_objects, {y.size})."
        )
    return Linearized(loss, y.ravel(), J.reshape(y.size, -1), at, penalty, names)


class Linearized(Loss):
    """A loss of outputs that are linear in the parameters.

    Shapes: `of_outputs`: a loss of m parameters; `outputs` (m,) and `jacobian` (m, p) at `theta`
    (p,); `penalty`: P of 0.5 theta' P theta.
    """

    def __init__(
        self,
        of_outputs: Loss,
        outputs: np.ndarray,
        jacobian: np.ndarray,
        theta: np.ndarray,
        penalty: Penalty | None,
        names: Sequence[str],
    ) -> None:
        self.of_outputs, self.jacobian = of_outputs, jacobian
        self.n_objects, self.labels = of_outputs.n_objects, of_outputs.labels
        self.fractional = of_outputs.fractional
        self.n_params, self.names = len(theta), tuple(names)
        self.penalty = checks.penalty_matrix(penalty, len(theta))
        self._base = outputs - jacobian @ theta

    def outputs(self, theta: Any) -> Any:
        """The outputs at theta, shape (m,)."""
        return self._base + anp.dot(self.jacobian, theta)

    def value(self, theta: Any, presence: Any) -> Any:
        loss = self.of_outputs.value(self.outputs(theta), presence)
        return penalised(loss, theta, self.penalty)

    def gradient(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        slope = self.of_outputs.gradient(self.outputs(theta), presence) @ self.jacobian
        return slope if self.penalty is None else slope + self.penalty @ theta

    def hessian(self, theta: np.ndarray, presence: np.ndarray | None = None) -> np.ndarray:
        y = self.outputs(theta)
        columns = [self.of_outputs.hessian_product(y, v, presence) for v in self.jacobian.T]
        H = np.stack(columns) @ self.jacobian
        H = 0.5 * (H + H.T)
        return H if self.penalty is None else H + self.penalty

    def hessian_product(
        self, theta: np.ndarray, vector: np.ndarray, presence: np.ndarray | None = None
    ) -> np.ndarray:
        moved = self.jacobian @ vector
        product = self.of_outputs.hessian_product(self.outputs(theta), moved, presence)
        product = product @ self.jacobian
        return product if self.penalty is None else product + self.penalty @ vector

    def gradient_differences(
        self, theta: np.ndarray, removals: Removals | None = None
    ) -> np.ndarray:
        removals = self.each(removals)
        y = self.outputs(theta)
        full, D = self.of_outputs.gradient(y), np.zeros((len(removals), len(y)))
        for k in np.flatnonzero(removals.sizes).tolist():
            # not its own differences, which leave out what an object owns of a theta
            D[k] = full - self.of_outputs.gradient(y, removals.presence(k))
        return D @ self.jacobian


class PredictorsOfRows(Loss):
    """A `LinearPredictor` as a loss of its predictors, (n, q) in row-major order."""

    def __init__(self, loss: LinearPredictor) -> None:
        self.row_loss, self.y, self.weights = loss.row_loss, loss.y, loss.weights
        self.offsets = np.stack(loss.offsets)
        self.n_objects, self.labels = loss.n_objects, loss.labels
        self.n_params = self.offsets.size

    def value(self, theta: Any, presence: Any) -> Any:
        eta = anp.transpose(anp.reshape(theta, (self.n_objects, -1))) + self.offsets
        present = autodiff.plain(presence) > 0
        rows = anp.where(present, self.row_loss.value(eta, self.y), 0.0)
        return anp.sum(presence * self.weights * rows)


def _finite(values: Any, name: str) -> np.ndarray:
    array = numbers(values, f"`{name}`")
    if array.ndim == 0 or not np.isfinite(array).all():
        raise InvalidInputError(
            f"`{name}` must be an array of finite numbers, but has shape {array.shape} and "
            f"{int((~np.isfinite(array)).sum())} that are not; take them where the network is "
            "defined."
        )
    return array


def _require_shape(outputs: np.ndarray, expected: tuple[int, ...], what: str) -> None:
    if outputs.shape != expected:
        raise InvalidInputError(
            f"`outputs` must be those of {what}, shape {expected}, but have shape {outputs.shape}; "
            "give one for each object of the loss, in its order."
        )


def _cox(
    loss: Cox, offset: np.ndarray, J: np.ndarray, penalty: Penalty | None, names: Sequence[str]
) -> Cox:
    data = loss.data
    return Cox(
        pd.DataFrame(J, index=data.labels, columns=list(names)),
        data.time,
        data.event,
        entry=data.entry if np.isfinite(data.entry).any() else None,
        weights=data.weights,
        strata=None if data.stratum_names == (None,) else data.strata,
        offset=data.offset + offset,
        ties=loss.ties,
        penalty=penalty,
    )


def _rows(
    loss: LinearPredictor,
    y: np.ndarray,
    J: np.ndarray,
    theta: np.ndarray,
    penalty: Penalty | None,
    names: Sequence[str],
) -> Loss:
    """Rows with one predictor stay what they are; several share theta, which designs do not."""
    n, q = loss.n_objects, len(loss.offsets)
    _require_shape(y, (n,) if q == 1 and y.ndim == 1 else (n, q), "predictors of rows")
    J = J.reshape(n, q, -1)
    if q > 1:
        of_outputs = PredictorsOfRows(loss)
        return Linearized(of_outputs, y.ravel(), J.reshape(n * q, -1), theta, penalty, names)
    return LinearPredictor(
        loss.row_loss,
        J[:, 0],
        loss.y,
        offset=loss.offsets[0] + y.reshape(n) - J[:, 0] @ theta,
        weights=loss.weights,
        penalty=penalty,
        names=names,
        labels=loss.labels,
    )

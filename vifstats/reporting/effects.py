"""What the parameters of a model are to its reader: hazard ratios, odds ratios, coefficients."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vifstats.losses import Cox, LinearPredictor, Loss

__all__ = ["Effects", "effects_of"]


@dataclass(frozen=True, eq=False)
class Effects:
    """How the parameters are shown.

    Attributes
    ----------
    model : str
        What the model is called, "Cox model".
    effect : str
        What one effect is called, "hazard ratio".
    ratio : bool
        Whether exp(theta) is shown.
    shown : ndarray of int
        Positions of the parameters that are effects: not intercepts, scales or thresholds.
    """

    model: str
    effect: str
    ratio: bool
    shown: np.ndarray

    def of(self, theta: Any) -> Any:
        """Parameters as effects."""
        return np.exp(theta) if self.ratio else theta


# Class of the row loss -> name of the model and of exp(theta), None where that means nothing.
ROW_LOSSES: dict[str, tuple[str, str | None]] = {
    "Beta": ("Beta regression", None),
    "Gamma": ("Gamma regression", "ratio of means"),
    "GeneralizedPoisson": ("Generalized Poisson regression", "rate ratio"),
    "InverseGaussian": ("Inverse Gaussian regression", "ratio of means"),
    "Logistic": ("Logistic regression", "odds ratio"),
    "Multinomial": ("Multinomial regression", "odds ratio"),
    "NegativeBinomial": ("Negative binomial regression", "rate ratio"),
    "NegativeBinomialP": ("Negative binomial regression", "rate ratio"),
    "Ordered": ("Ordinal regression", None),
    "Poisson": ("Poisson regression", "rate ratio"),
    "PoissonCount": ("Poisson regression", "rate ratio"),
    "PoissonGLM": ("Poisson regression", "rate ratio"),
    "Robust": ("Robust linear regression", None),
    "SquaredError": ("Linear regression", None),
    "Tweedie": ("Tweedie regression", "ratio of means"),
    "ZeroInflated": ("Zero-inflated regression", None),
}


def effects_of(loss: Loss, names: tuple[str, ...]) -> Effects:
    """How the parameters of a loss are shown.

    Parameters
    ----------
    loss : Loss
    names : tuple of str, shape (n_params,)

    Returns
    -------
    Effects

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0]], [1.0, 2.0])
    >>> effects_of(loss, ("age",)).effect
    'hazard ratio'
    """
    everything = np.arange(len(names))
    if isinstance(loss, Cox):
        return Effects("Cox model", "hazard ratio", True, everything)
    if isinstance(loss, LinearPredictor):
        varying = np.concatenate([np.ptp(X, axis=0) > 0 for X in loss.designs])
        model, effect = _of_row_loss(loss.row_loss)
        # an intercept alone is what such a model is about
        shown = everything[varying] if varying.any() else everything
        return Effects(model, effect or "coefficient", effect is not None, shown)
    return Effects(type(loss).__name__, "parameter", False, everything)


def _of_row_loss(row_loss: Any) -> tuple[str, str | None]:
    kind = type(row_loss).__name__
    if kind == "CensoredRows":  # a parametric survival model of lifelines
        fitter = type(row_loss.fit).__name__.removesuffix("Fitter")
        return f"{fitter} model", "time ratio" if fitter.endswith("AFT") else None
    link = type(getattr(row_loss, "link", None)).__name__
    if kind == "Binomial":
        return "Binomial regression", "odds ratio" if link == "Logit" else None
    model, effect = ROW_LOSSES.get(kind, (kind, None))
    return model, effect if link in ("NoneType", "Log") else None

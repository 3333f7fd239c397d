"""Which covariance and distribution a statsmodels result reports."""

from typing import Any

import numpy as np

from vifstats.inference import Inference

__all__ = ["inference_of", "one_label_per_row"]

HETEROSCEDASTIC = ("HC0", "HC1", "HC2", "HC3")


def inference_of(fit: Any, kept: np.ndarray, n_labels: int) -> Inference:
    """The inference of a result with ``cov_type``, ``cov_kwds`` and ``use_t``.

    `kept` (n_objects,): the user's row of each object, of `n_labels` rows. The reason is in
    ``refusal`` where the covariance cannot be followed without a row.
    """
    reported = np.asarray(fit.bse, dtype=float).ravel(order="F")
    kind, settings = str(getattr(fit, "cov_type", "nonrobust")), getattr(fit, "cov_kwds", {})
    use_t = bool(getattr(fit, "use_t", False))
    adjusted = getattr(fit, "df_resid_inference", None)
    common: dict[str, Any] = {
        "distribution": "t" if use_t else "normal",
        "df": float(fit.df_resid if adjusted is None else adjusted) if use_t else None,
        "df_by": "rows" if adjusted is None else "groups",
        "factor": float(settings.get("scaling_factor") or 1.0),
        "counts": _counts(fit.model),
        "reported": reported,
    }
    if refusal := _refusal(fit, kind, settings, reported):
        return Inference(kind, refusal=refusal, **common)
    if kind.lower() == "cluster":
        return Inference(
            "cluster",
            one_label_per_row(settings["groups"], kept, n_labels),
            corrected=bool(settings["use_correction"]),
            **common,
        )
    if kind.upper() in HETEROSCEDASTIC:
        # other models than linear ones report HC0 under all four names
        return Inference(kind.upper() if _linear(fit.model) else "HC0", **common)
    return Inference(information=_information(fit), **common)


def one_label_per_row(groups: Any, kept: np.ndarray, n_labels: int) -> np.ndarray:
    """Groups of the rows that were kept as groups of all rows; what was dropped has any."""
    groups = np.asarray(groups)
    out = np.repeat(groups[:1], n_labels)
    out[kept] = groups
    return out


def _refusal(fit: Any, kind: str, settings: dict[str, Any], reported: np.ndarray) -> str:
    """Why a covariance cannot be followed without a row; "" where it can."""
    if not np.isfinite(reported).all():
        return "The standard errors of the fit must be numbers, but it reports nan for some."
    if kind.lower() == "cluster":
        if np.ndim(settings["groups"]) == 1:
            return ""
        return "A cluster covariance must have one set of groups here, but this fit has two."
    if kind.upper() in HETEROSCEDASTIC or kind.lower() in ("nonrobust", "fixed scale", "eim"):
        scale = getattr(fit.model, "scaletype", None)
        if kind == "nonrobust" and isinstance(scale, str) and scale.lower() == "dev":
            return (
                "The scale of a GLM must be Pearson's or a given one, but this is estimated by the "
                "deviance, which is not followed without a row."
            )
        return ""
    return (
        f"The covariance of a fit must be nonrobust, HC0 to HC3 or cluster, but cov_type is "
        f"{kind!r}: what it would be without a row is not known here."
    )


def _linear(model: Any) -> bool:
    return hasattr(model, "wexog")


def _information(fit: Any) -> str:
    """Fisher's scoring inverts the expected information, gradient methods the observed one."""
    scoring = str(getattr(fit, "method", "")).upper() == "IRLS"
    return "expected" if scoring and hasattr(fit.model, "family") else "observed"


def _counts(model: Any) -> np.ndarray | None:
    """Frequency weights, of models that have them."""
    if not getattr(model, "_has_freq_weights", False):
        return None
    return np.broadcast_to(np.asarray(model.freq_weights, dtype=float), (len(model.endog),))

"""Fitted models of other libraries as estimates, found by the name of their type.

Nothing is imported until such an object arrives: the table maps the qualified name of a class to
the function, in a module of this drawer, that turns it into an `Estimate`.
"""

from importlib import import_module
from typing import Any

from vifstats.errors import UnsupportedModelError
from vifstats.estimate import Estimate

__all__ = ["from_model"]

# qualified name of the fitted model's class, or of a base class -> "module:function" here
ADAPTERS = {
    "lifelines.fitters.coxph_fitter.CoxPHFitter": "lifelines:cox",
}


def from_model(fit: Any, *data: Any, **options: Any) -> Estimate:
    """An estimate from any supported fitted model.

    Parameters
    ----------
    fit : fitted model
        Of lifelines, statsmodels, scikit-survival or scikit-learn; see the table in the README.
    *data
        What the model was fitted on, where it does not keep it: ``df``, ``X, T, E`` or ``X, y``.
    **options
        entry, weights, strata, offset, groups, ties, penalty: as in `vif_cox`; ``tol`` as in
        `Estimate`.

    Returns
    -------
    Estimate

    Raises
    ------
    UnsupportedModelError
        If the model, or one of its settings, cannot be taken.
    DataMismatchError
        If the data are not those the model was fitted on.
    """
    for cls in type(fit).__mro__:
        place = ADAPTERS.get(f"{cls.__module__}.{cls.__qualname__}")
        if place is not None:
            module, function = place.split(":")
            adapter = getattr(import_module(f"vifstats.adapters.{module}"), function)
            return adapter(fit, *data, **options)
    supported = ", ".join(sorted(name.rsplit(".", 1)[-1] for name in ADAPTERS))
    raise UnsupportedModelError(
        f"A fitted model must be one of {supported}, but this is a "
        f"{type(fit).__module__}.{type(fit).__qualname__}. For a model of your own write its loss "
        "and use vifstats.Estimate(loss, theta)."
    )

"""The exceptions of vifstats.

Every message has three parts: the rule, what was found, and what to do about it.
"""

__all__ = [
    "ConvergenceError",
    "DataMismatchError",
    "InvalidInputError",
    "InvalidTypeError",
    "LossError",
    "MissingDataError",
    "NotAtMinimumError",
    "NotPositiveDefiniteError",
    "TargetError",
    "UnsupportedModelError",
    "VifError",
]


class VifError(Exception):
    """Base class of every error that vifstats raises on purpose."""


class InvalidInputError(VifError, ValueError):
    """An argument has the right type but values that break a rule."""


class InvalidTypeError(VifError, TypeError):
    """An argument has a type that cannot be used."""


class DataMismatchError(InvalidInputError):
    """The rows given are not the rows the model was fitted on."""


class UnsupportedModelError(VifError, TypeError):
    """A fitted model that vifstats cannot take, with the reason."""


class NotAtMinimumError(VifError, ValueError):
    """The parameters do not minimise the loss, so no influence is defined there."""


class NotPositiveDefiniteError(VifError, ValueError):
    """The Hessian is singular or indefinite at the estimate."""


class LossError(VifError, ValueError):
    """A loss breaks its contract: it ignores theta, returns nan, or has the wrong shape."""


class TargetError(VifError, ValueError):
    """A target breaks its contract: an override, or a refit, does not agree with its value."""


class ConvergenceError(VifError, ValueError):
    """A minimisation stopped before it reached its tolerance."""


class MissingDataError(VifError, ValueError):
    """A data set is neither bundled nor found where it was looked for."""

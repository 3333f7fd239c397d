"""What a loss of another library, and what it returns, must be: errors that say how to mend it."""

from typing import Any

import numpy as np

from vifstats.errors import InvalidTypeError, LossError
from vifstats.removals import Removals

__all__ = ["require_array", "require_finite", "require_functions", "require_number"]


def require_functions(f: Any, outputs: Any, gauge: Any) -> None:
    if not callable(f):
        raise InvalidTypeError(f"`f` must be a function f(theta, b), but is {f!r}.")
    for name, function in {"outputs": outputs, "gauge": gauge}.items():
        if function is not None and not callable(function):
            raise InvalidTypeError(
                f"`{name}` must be a function of the parameters, but is {function!r}; leave it "
                "out, or pass a function."
            )


def require_array(outputs: Any) -> None:
    if not hasattr(outputs, "shape") or not hasattr(outputs, "dtype"):
        raise LossError(
            f"`outputs` must return one array, but it returned {type(outputs).__name__}; stack "
            "what the network predicts."
        )


def require_number(found: Any, library: str) -> None:
    if not hasattr(found, "dtype"):
        raise LossError(
            f"A loss must return one number of {library}, but it returned {found!r}; keep to the "
            f"functions of {library} from the parameters to the sum."
        )
    if tuple(found.shape) != ():
        raise LossError(
            f"A loss must return one number, but it returned shape {tuple(found.shape)}; sum over "
            "the objects."
        )
    if (kind := str(found.dtype).removeprefix("torch.")) != "float64":
        raise LossError(
            f"A loss must be computed in float64, but it returned {kind}; make the arrays that it "
            "reads of float64."
        )


def require_finite(differences: np.ndarray, removals: Removals) -> None:
    bad = ~np.isfinite(differences).all(axis=1)
    if bad.any():
        first = removals.labels[int(np.flatnonzero(bad)[0])]
        raise LossError(
            f"The gradient must be finite without any one object, but without {first!r} it is not "
            f"({int(bad.sum())} of {len(bad)}): log 0 and 0 * inf are the usual causes. Choose a "
            "safe argument inside the function, as in log(where(x > 0, x, 1)): a where around "
            "it still has the slope of the other branch."
        )

"""Whether two pieces of work are the same, although they may have run on two machines.

The same fit on another processor ends in other last bits, so what is computed is compared to a
millionth of a standard error; what is given, exactly.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from vifstats.losses.base import Loss
from vifstats.removals import Removals
from vifstats.versions import __version__

__all__ = ["Fingerprint"]

# How far theta, and gradients in units of its standard errors, may lie apart.
TOLERANCE = 1e-6
# Objects are dealt into this many piles, whose gradients differ if the order of the data does.
PILES = 8


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """An estimate, what is removed from it, and how.

    Attributes
    ----------
    given : dict
        Names, numbers and digests that must be equal.
    theta : ndarray, shape (n_params,)
    curvature : ndarray, shape (n_params,)
        Roots of the diagonal of H: one over standard errors with all else held.
    gradients : ndarray, shape (PILES, n_params)
        What piles of objects, dealt by a fixed seed, take from the gradient at theta.
    """

    given: dict[str, Any]
    theta: np.ndarray
    curvature: np.ndarray
    gradients: np.ndarray

    @classmethod
    def of(
        cls, loss: Loss, theta: np.ndarray, H: np.ndarray, removals: Removals, **options: Any
    ) -> "Fingerprint":
        """The fingerprint of removals from a loss at its minimum."""
        piles = np.random.default_rng(0).integers(PILES, size=loss.n_objects)
        given = {
            "vifstats": __version__,
            "loss": type(loss).__qualname__,
            "n_objects": loss.n_objects,
            "n_params": len(theta),
            "names": _digest("\n".join(map(str, loss.names or ())).encode()),
            "n_rows": len(removals),
            "labels": _digest("\n".join(map(str, removals.labels)).encode()),
            "removals": _digest(removals.codes.astype("<i8").tobytes()),
            **options,
        }
        gradients = loss.gradient_differences(theta, Removals(piles, pd.RangeIndex(PILES)))
        return cls(given, theta, np.sqrt(np.abs(np.diag(H))), gradients)

    def difference(self, other: "Fingerprint") -> str:
        """The first thing in which this one is not the other, in words; empty if none."""
        for name in {**self.given, **other.given}:
            mine, its = (one.given.get(name) for one in (self, other))
            if mine != its:
                return f"{name} was {_short(its)} there, and is {_short(mine)} here"
        scale = self.curvature
        if not _close(self.theta * scale, other.theta * scale):
            return "theta was another"
        if not _close(other.curvature / np.where(scale > 0, scale, 1.0), np.sign(scale)):
            return "the Hessian was another"
        unit = TOLERANCE * scale
        same = np.isclose(self.gradients, other.gradients, rtol=0, atol=unit, equal_nan=True)
        return "" if same.all() else "the data were others, or in another order"

    def to_json(self) -> dict[str, Any]:
        """As what JSON has; numbers keep all their bits."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {"given": self.given, **arrays}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Fingerprint":
        """The fingerprint that was written.

        KeyError, TypeError or ValueError if there is none in it.
        """
        arrays = [np.array(document[name], dtype=float) for name in _ARRAYS]
        p = len(arrays[0])
        if [array.shape for array in arrays] != [(p,), (p,), (PILES, p)]:
            raise ValueError("arrays of other shapes")
        return cls(dict(document["given"]), *arrays)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return _digest(_dumped(self.to_json()).encode())

    def document(self) -> str:
        """A JSON file of it, which is as it was written if its digest is right."""
        return _dumped({**self.to_json(), "sha256": self.digest})


_ARRAYS = ("theta", "curvature", "gradients")


def _dumped(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=0, atol=TOLERANCE)


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:8]}..."

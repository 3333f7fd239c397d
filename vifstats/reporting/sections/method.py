"""How the numbers came about, so that someone else can get them again."""

import hashlib
from datetime import date
from typing import Any

import numpy as np

from vifstats.deletion.display import METHODS
from vifstats.losses import Cox, FineGray, LinearPredictor, Loss, MixedModel, SharedFrailty
from vifstats.reporting.findings import Findings
from vifstats.versions import versions

__all__ = ["fingerprint", "method"]


def method(findings: Findings, command: str) -> dict[str, Any]:
    """Method, sign, versions, a hash of the data and the command.

    `command`: what to type to get the report again.
    """
    influence = findings.influence
    return {
        "name": influence.method,
        "words": METHODS[influence.method],
        "covariance": influence.estimate.inference.words,
        # without those of the refits that have replaced some of its rows since
        "seconds": findings.approximate.seconds,
        "sha256": fingerprint(influence.estimate.loss),
        "versions": versions(),
        "date": date.today().isoformat(),
        "command": command,
    }


def fingerprint(loss: Loss) -> str | None:
    """SHA-256 of the numbers a loss was built on: the same data in the same order, the same hash.

    Parameters
    ----------
    loss : Loss

    Returns
    -------
    str or None
        None for losses whose data are not known here.

    Examples
    --------
    >>> import vifstats as vs
    >>> loss = vs.losses.Cox([[0.0], [1.0]], [1.0, 2.0])
    >>> fingerprint(loss) == fingerprint(vs.losses.Cox([[0.0], [1.0]], [1.0, 2.0]))
    True
    """
    arrays = _data(loss)
    if not arrays:
        return None
    digest = hashlib.sha256()
    for array in arrays:
        numbers = np.ascontiguousarray(array, dtype="<f8") + 0.0  # -0 and 0 are the same number
        digest.update(repr(numbers.shape).encode())
        digest.update(numbers.tobytes())
    return digest.hexdigest()


def _data(loss: Loss) -> list[np.ndarray]:
    if isinstance(loss, Cox):
        data = loss.data
        rows = [data.time, data.event, data.entry, data.weights, data.strata, data.offset]
        return [data.X, *rows]
    if isinstance(loss, FineGray):
        data = loss.data
        return [data.X, data.time, loss.cause, data.weights, data.strata, data.offset]
    if isinstance(loss, LinearPredictor):
        y = loss.y if isinstance(loss.y, tuple) else (loss.y,)
        return [*loss.designs, *y, loss.weights]
    if isinstance(loss, MixedModel):
        return [loss.X, loss.y, loss.group_of_row, loss.random.Z]
    if isinstance(loss, SharedFrailty):
        return [loss.data.X, loss.data.time, loss.data.event, loss.group_of_row]
    return []

"""Edits of rossi, four kinds of all 432 rows: against fits of the edited tables, and how fast.

python -m validation.benchmarks.edits
"""

from collections.abc import Callable
from time import process_time

import numpy as np

import validation.fits  # noqa: F401  the tests, from where the edits come, are no package
import vifstats as vs

from rossi_edits import KINDS, edited_frame, fit_of, fitted, lifelines_fit  # isort: skip  as above

CHECKED = range(5, 432, 22)
REPEATS = 15


def seconds_of(call: Callable[[], object]) -> float:
    """The least CPU time of some calls."""
    times = []
    for _ in range(REPEATS):
        begin = process_time()
        call()
        times.append(process_time() - begin)
    return min(times)


def _calls(est: vs.Estimate, edits: vs.Estimate, edit: dict) -> list[Callable[[], object]]:
    """The influences of edits that are there, and with the edits made."""
    return [lambda: vs.vif(edits), lambda: vs.vif(vs.edit(est, **edit))]


def main() -> None:
    """Print a line for each kind of edit."""
    d, est = fitted()
    for kind, edit in KINDS.items():
        edits = vs.edit(est, **edit)
        refits = vs.leave_one_out(edits)
        worst = {"ours": 0.0, "lifelines": 0.0}
        for i in CHECKED:
            table, found = edited_frame(d, kind, i), refits.params_without.loc[i]
            fits = {"ours": fit_of(table, est.theta).theta, "lifelines": lifelines_fit(table)}
            for name, theta in fits.items():
                error = float(np.abs((found - theta) / est.standard_errors).max())
                worst[name] = max(worst[name], error)
        spread = refits.values.std(axis=0)
        r = {
            name: np.corrcoef(
                (getattr(vs, name)(edits).values / spread).ravel(), (refits.values / spread).ravel()
            )[0, 1]
            for name in ("vif", "newton_step")
        }
        took, afresh = (1e3 * seconds_of(call) for call in _calls(est, edits, edit))
        print(
            f"{kind}: {len(CHECKED)} refits from ours {worst['ours']:.1e}, lifelines' "
            f"{worst['lifelines']:.1e} standard errors; r of vif {r['vif']:.6f}, newton "
            f"{r['newton_step']:.7f}; vif of {len(refits.index)} edits {took:.1f} ms CPU, with "
            f"the edits made {afresh:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

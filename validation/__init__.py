"""The validation suite: the published tables and figures, redone with converged fits, and more.

`python -m validation` runs the experiments, keeps their numbers in results/ as JSON, and writes one
page of them. `experiment` says what an experiment is, `experiments` has one file for each.
"""

import os

# Before NumPy is imported, whose BLAS reads them once: sums come out alike on any number of cores.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

"""Separation in random designs, two codings each, against a linear program for every row left out.

python -m validation.benchmarks.separation 0 200 [cox] [logit] [poisson] [clogit]
"""

import sys
from collections import Counter

import numpy as np

import validation.fits  # noqa: F401  the tests, from where the designs come, are no package

from separated_designs import KINDS, coded  # isort: skip  found by the line above


def main(first: int, last: int, kinds: list[str]) -> None:
    """Print, by kind of model, what was compared and where the three disagree."""
    for kind in kinds or KINDS:
        count: Counter[str] = Counter()
        for seed in range(first, last):
            one, other = coded(seed, kind)
            found, twin, expected = one.found(), other.found(), one.expected()
            count["full fits separated"] += int(expected[0])
            count["rows left out"] += len(expected) - 1
            count["of them separating, of fits that are not"] += (
                0 if expected[0] else int(expected.sum())
            )
            count["other than the linear program"] += int(np.sum(found != expected))
            count["other in the other coding"] += int(np.sum(found != twin))
        print(kind, dict(count), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])

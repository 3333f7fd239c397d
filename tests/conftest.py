"""Settings of every test run: no window, no clock, the same examples each time."""

import gc
import os

import pytest
from hypothesis import settings

os.environ["MPLBACKEND"] = "Agg"
# A test process for each core: more threads than one would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Else each process that a test starts would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# deadline=None: the first call of a test may import a library. derandomize: a run that passed
# passes again; HYPOTHESIS_PROFILE=explore looks for examples nobody has seen.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for no garbage among tests and modules, which all stay: a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def same_numbers():
    """Seed NumPy's global generator, from which autograd's check_grads draws its directions."""
    import numpy as np  # not above: the threads of its BLAS are set by then

    np.random.seed(0)

"""`import vifstats` is light, and the installed package is whole."""

import json
import subprocess
import sys
from importlib import resources

import pytest

import vifstats

HEAVY = (
    "autograd.scipy",
    "jax",
    "joblib",
    "lifelines",
    "matplotlib",
    "numba",
    "scipy.stats",
    "statsmodels",
    "torch",
    "tqdm",
)


@pytest.mark.smoke
def test_import_loads_no_heavy_library():
    code = "import json, sys, vifstats; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    loaded = json.loads(ran.stdout)
    assert "vifstats.deletion.methods" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.smoke
def test_the_package_says_that_it_is_typed():
    assert (resources.files(vifstats) / "py.typed").is_file()


def test_every_public_name_is_there():
    assert [name for name in vifstats.__all__ if not hasattr(vifstats, name)] == []


def test_only_public_names_are_completed():
    assert dir(vifstats) == sorted(vifstats.__all__)

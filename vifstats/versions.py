"""Which versions are at work: what a bug report and a result file should say."""

import platform
import sys
from functools import cache
from importlib import metadata
from typing import TextIO

__all__ = ["__version__", "show_versions", "versions"]

__version__ = "0.2.0"

LIBRARIES = ("numpy", "scipy", "pandas", "autograd", "lifelines", "statsmodels", "joblib")


def versions() -> dict[str, str]:
    """Version by name of vifstats, Python, the platform and the libraries that are installed.

    Examples
    --------
    >>> list(versions())[:3]
    ['vifstats', 'python', 'platform']
    """
    found = {
        "vifstats": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    installed = {name: _version(name) for name in LIBRARIES}
    return found | {name: version for name, version in installed.items() if version is not None}


def show_versions(file: TextIO | None = None) -> None:
    """Print the versions that a bug report needs.

    Parameters
    ----------
    file : file-like, optional
        Default standard output.

    Examples
    --------
    >>> show_versions()  # doctest: +ELLIPSIS
    vifstats     ...
    """
    for name, version in versions().items():
        print(f"{name:<12} {version}", file=sys.stdout if file is None else file)


@cache
def _version(name: str) -> str | None:
    """The version of a library, or None; kept because each look parses the metadata."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

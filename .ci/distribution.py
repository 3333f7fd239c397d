"""What would be published: whether sdist and wheel hold what they should, and say the same version.

    python .ci/distribution.py dist

reads the one sdist and the one wheel in a folder, and says each thing that is wrong with them.
"""

import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What a wheel may hold at its top, beside what pip needs.
PACKAGE = "vifstats"
# Without these the package does not work, or is not what it claims to be.
NEEDED = {f"{PACKAGE}/py.typed", f"{PACKAGE}/reporting/templates/report.html"}
SOURCES = {"README.md", "LICENSE", "pyproject.toml", "setup.cfg", f"{PACKAGE}/__init__.py"}


def main() -> int:
    """Look at both, and print what is wrong."""
    folder = Path(sys.argv[1])
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    faults = [*faults_of_wheel(wheel), *faults_of_sdist(sdist)]
    print(*faults or [f"{wheel.name} and {sdist.name} hold what they should"], sep="\n")
    return int(bool(faults))


def faults_of_wheel(path: Path) -> Iterator[str]:
    """Files that are missing or do not belong, and metadata that is not that of the source."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(wheel.read(about))
    ours = {name for name in names if ".dist-info/" not in name}
    code = {str(file.relative_to(ROOT)) for file in (ROOT / PACKAGE).rglob("*.py")}
    for name in sorted((code | NEEDED) - ours):
        yield f"{path.name} lacks {name}"
    for name in sorted(name for name in ours if not name.startswith(f"{PACKAGE}/")):
        yield f"{path.name} must not hold {name}"
    if metadata["Version"] != (version := path.name.split("-")[1]):
        yield f"{path.name} is called {version}, and says {metadata['Version']}"
    for field in ("Summary", "License-Expression", "Requires-Python", "Keywords"):
        if not metadata[field]:
            yield f"{path.name} has no {field}"


def faults_of_sdist(path: Path) -> Iterator[str]:
    """What one needs to build it again."""
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for name in sorted(SOURCES - names):
        yield f"{path.name} lacks {name}"


if __name__ == "__main__":
    sys.exit(main())

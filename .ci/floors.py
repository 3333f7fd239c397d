"""Print the lower bounds of pyproject.toml as constraints: ``numpy>=2.0.0`` as ``numpy==2.0.0``.

So the bounds that are declared and the versions that .ci/run tries cannot part.
"""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
tested = [
    extras[name] for name in ("test", "parquet", "frames", "graph", "jax", "parallel", "dask")
]
needs = sum(tested, project["dependencies"])
print("\n".join(need.replace(">=", "==") for need in needs if ">=" in need))

"""Data to try things on, those of the published experiments, and tables of the user's own."""

from vifstats.datasets.bundled import load_rossi
from vifstats.datasets.graphs import load_karate
from vifstats.datasets.multilabel import MultiLabel, load_delicious, load_mediamill, load_rcv1
from vifstats.datasets.survival import load_metabric, load_support
from vifstats.datasets.tables import read_table, require_columns

__all__ = [
    "MultiLabel",
    "load_delicious",
    "load_karate",
    "load_mediamill",
    "load_metabric",
    "load_rcv1",
    "load_rossi",
    "load_support",
    "read_table",
    "require_columns",
]

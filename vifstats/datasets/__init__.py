"""Data to try things on, and tables of the user's own."""

from vifstats.datasets.bundled import load_rossi
from vifstats.datasets.multilabel import (
    MultiLabel,
    load_delicious,
    load_mediamill,
    load_rcv1_subset,
)
from vifstats.datasets.tables import read_table, require_columns

__all__ = [
    "MultiLabel",
    "load_delicious",
    "load_mediamill",
    "load_rcv1_subset",
    "load_rossi",
    "read_table",
    "require_columns",
]

"""Data to try things on, and tables of the user's own."""

from vifstats.datasets.bundled import load_rossi
from vifstats.datasets.tables import read_table, require_columns

__all__ = ["load_rossi", "read_table", "require_columns"]

"""Rows with sets of labels: published data sets, and readers of their formats."""

from vifstats.datasets.multilabel.base import MultiLabel, read_arrays
from vifstats.datasets.multilabel.extreme_classification import read_extreme_classification
from vifstats.datasets.multilabel.mulan import read_mulan_arff
from vifstats.datasets.multilabel.published import load_delicious, load_mediamill, load_rcv1

__all__ = [
    "MultiLabel",
    "load_delicious",
    "load_mediamill",
    "load_rcv1",
    "read_arrays",
    "read_extreme_classification",
    "read_mulan_arff",
]

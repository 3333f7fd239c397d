"""Delicious, Mediamill and RCV1: multi-label data that published ranking experiments use."""

import dataclasses
from pathlib import Path

import numpy as np
import scipy.sparse

from vifstats.datasets.files import find_file, require_digest
from vifstats.datasets.multilabel.base import MultiLabel, read_arrays
from vifstats.datasets.multilabel.extreme_classification import read_extreme_classification
from vifstats.datasets.multilabel.mulan import read_mulan_arff
from vifstats.errors import DataMismatchError, MissingDataError

__all__ = ["load_delicious", "load_mediamill", "load_rcv1"]

# SHA-256 of the arrays of the Mulan and mldr files; `read_arrays` says how they are laid out.
DIGESTS = {
    "delicious.npz": "d109ae82f1897f15cf3de60ab174e1e0e79f870cfafb68ec97a2a6b377489dfa",
    "rcv1sub1.npz": "9b9308cc967b1a3275461108417978b22b9b12e5865fd42b427d0c67d589a284",
}
MULAN = "https://mulan.sourceforge.net/datasets-mlc.html"
EXTREME = "http://manikvarma.org/downloads/XC/XMLRepository.html"
MLDR = "https://github.com/fcharte/mldr.datasets"


def load_delicious(path: str | Path | None = None) -> MultiLabel:
    """Web pages and their tags on del.icio.us: 16105 rows, 500 binary features, 983 labels.

    Parameters
    ----------
    path : str or Path, optional
        ``delicious.npz``, ``delicious.arff``, ``Delicious_data.txt``, ``delicious-train.arff``
        beside ``delicious-test.arff``, or a folder with any of them; default the folder that
        VIFSTATS_DATA names.

    Returns
    -------
    MultiLabel
        With the official split (12920 and 3185 rows) where the file holds it.

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataMismatchError
        If it is not this data set.

    Notes
    -----
    Features are the words of a page, labels its tags. 14 rows have no label. Labels are sets:
    there is no order of relevance, whatever a ranking loss makes of it. The Mulan library
    distributes it, without a licence of the data; the ``.npz`` holds the same numbers.

    References
    ----------
    Tsoumakas, Katakis & Vlahavas (2008), ECML PKDD Workshop on Mining Multidimensional Data.

    Examples
    --------
    >>> load_delicious("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: Delicious is not part of this package and must be a file ...
    """
    names = ("delicious.npz", "delicious-train.arff", "delicious.arff", "Delicious_data.txt")
    return _load("Delicious", names, path, MULAN, 500, 983)


def load_mediamill(path: str | Path | None = None) -> MultiLabel:
    """Video shots and what can be seen in them: 43907 rows, 120 features, 101 labels.

    Parameters
    ----------
    path : str or Path, optional
        ``Mediamill_data.txt``, ``mediamill.arff``, ``mediamill-train.arff`` beside
        ``mediamill-test.arff``, or a folder with any of them; default the folder that
        VIFSTATS_DATA names.

    Returns
    -------
    MultiLabel
        With the official split (30993 and 12914 rows) where it was read from two files.

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataMismatchError
        If it is not this data set.

    Notes
    -----
    Features are visual, labels concepts of a thesaurus; they are sets, without an order. Every
    public copy is a file too large for a mirror of source code, so there is no digest: the sizes
    are checked instead. The Extreme Classification file holds no split. It comes without a
    licence of the data.

    References
    ----------
    Snoek, Worring, van Gemert, Geusebroek & Smeulders (2006), ACM Multimedia.

    Examples
    --------
    >>> load_mediamill("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: Mediamill is not part of this package and must be a file ...
    """
    names = ("Mediamill_data.txt", "mediamill-train.arff", "mediamill.arff")
    return _load("Mediamill", names, path, f"{EXTREME} or {MULAN}", 120, 101)


def load_rcv1(path: str | Path | None = None) -> MultiLabel:
    """News stories and their topics, subset 1 of RCV1: 6000 rows, 47236 features, 101 labels.

    Parameters
    ----------
    path : str or Path, optional
        ``rcv1sub1.npz``, ``rcv1subset1.arff``, or a folder with one of them; default the folder
        that VIFSTATS_DATA names.

    Returns
    -------
    MultiLabel

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataMismatchError
        If it is not this data set.

    Notes
    -----
    Features are weights of words (tf-idf), labels topics. It has as many labels as Mediamill, for
    which it stands where that is not at hand. There is no official split. The mldr.datasets
    repository distributes it; Reuters has terms for the stories themselves, which are not in it.

    References
    ----------
    Lewis, Yang, Rose & Li (2004), J. Mach. Learn. Res. 5.

    Examples
    --------
    >>> load_rcv1("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: RCV1 is not part of this package and must be a file ...
    """
    return _load("RCV1", ("rcv1sub1.npz", "rcv1subset1.arff"), path, MLDR, 47236, 101)


def _load(
    title: str,
    names: tuple[str, ...],
    path: str | Path | None,
    source: str,
    n_features: int,
    n_labels: int,
) -> MultiLabel:
    file = find_file(title, names, path, source)
    if file.suffix == ".npz":
        if file.name in DIGESTS:
            require_digest(file, DIGESTS[file.name])
        data = read_arrays(file)
    elif file.suffix == ".arff":
        data = _read_parts(file, n_labels)
    else:
        data = read_extreme_classification(file)
    if (data.X.shape[1], data.Y.shape[1]) != (n_features, n_labels):
        raise DataMismatchError(
            f"{title} has {n_features} features and {n_labels} labels, but {str(file)!r} has "
            f"{data.X.shape[1]} and {data.Y.shape[1]}; is it another data set?"
        )
    return data


def _read_parts(file: Path, n_labels: int) -> MultiLabel:
    """One ARFF file; or the training part, and the test part beside it."""
    data = read_mulan_arff(file, n_labels)
    if "-train." not in file.name:
        return data
    other = file.with_name(file.name.replace("-train.", "-test."))
    if not other.is_file():
        raise MissingDataError(
            f"{file.name} must have {other.name} beside it, but there is none; get it too, or "
            "rename the file to read the training part alone."
        )
    test = read_mulan_arff(other, n_labels)
    if (test.features, test.labels) != (data.features, data.labels):
        raise DataMismatchError(
            f"{file.name} and {other.name} must have the same attributes, but do not; are they of "
            "one version?"
        )
    n_train, n_test = data.X.shape[0], test.X.shape[0]
    return dataclasses.replace(
        data,
        X=_stacked(data.X, test.X),
        Y=_stacked(data.Y, test.Y),
        is_test=np.arange(n_train + n_test) >= n_train,
    )


def _stacked(*parts: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    return scipy.sparse.csr_array(scipy.sparse.vstack(parts, format="csr"))

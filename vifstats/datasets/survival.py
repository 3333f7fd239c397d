"""METABRIC and SUPPORT, split and scaled as in the published experiments."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.datasets.downloads import PublicFile, fetch
from vifstats.datasets.files import find_file, require_digest
from vifstats.datasets.tables import read_table, require_columns
from vifstats.errors import DataMismatchError, InvalidInputError, MissingDataError

__all__ = ["load_metabric", "load_support"]

DEEPSURV = (
    "https://raw.githubusercontent.com/jaredleekatzman/DeepSurv/"
    "f0803f57bff9395f2bfbb99da2f1031adcf01331/experiments/data/"
)


@dataclass(frozen=True)
class _Source:
    """Where a data set is, and what is in it.

    `table` is the same rows as CSV, with the columns `covariates`, ``time`` and ``event``.
    """

    file: PublicFile
    table: str
    table_sha256: str
    n_rows: int
    covariates: tuple[str, ...]
    scaled: tuple[str, ...]


METABRIC = _Source(
    PublicFile(
        "METABRIC",
        DEEPSURV + "metabric/metabric_IHC4_clinical_train_test.h5",
        "e959131973c906c7e8b1e662c81160914768156a6da145a9bfed9b9ee8bf3e72",
    ),
    "metabric.csv",
    "4806d880c11de4c7ac4a858ead4b09caa238eb70832d356cd2eab47ab9534599",
    1904,
    (
        *("x0_egfr", "x1_pgr", "x2_erbb2", "x3_mki67"),
        *("x4_hormone", "x5_radio", "x6_chemo", "x7_er_pos", "x8_age"),
    ),
    ("x0_egfr", "x1_pgr", "x2_erbb2", "x3_mki67", "x8_age"),
)
SUPPORT = _Source(
    PublicFile(
        "SUPPORT",
        DEEPSURV + "support/support_train_test.h5",
        "e398f49930e4efc4ecd675a72ac547f0d1ae25ccf13f6a1024cded12ea88a83e",
    ),
    "support.csv",
    "7c924d1d151a2f3f4ae97858efcaf8b4f882fefd767ef55fafe2f84783175294",
    8873,
    (
        *("x0_age", "x1_female", "x2_num_comorb", "x3_race", "x4_diabetes"),
        *("x5_dementia", "x6_cancer", "x7_meanbp", "x8_heart_rate", "x9_resp_rate"),
        *("x10_temp", "x11_sodium", "x12_wbc", "x13_creatinine"),
    ),
    (
        *("x0_age", "x2_num_comorb", "x3_race", "x6_cancer", "x7_meanbp", "x8_heart_rate"),
        *("x9_resp_rate", "x10_temp", "x11_sodium", "x12_wbc", "x13_creatinine"),
    ),
)


def load_metabric(path: str | Path | None = None, *, scaled: bool = True) -> pd.DataFrame:
    """Breast cancer of 1904 women: four gene expressions, five clinical covariates, 1103 deaths.

    Parameters
    ----------
    path : str or Path, optional
        The public ``metabric_IHC4_clinical_train_test.h5`` (needs the ``data`` extra), the same
        rows as ``metabric.csv``, or a folder with either. Default: the folder that VIFSTATS_DATA
        names, then the cache; what is in neither is downloaded into the cache, 90 kB.
    scaled : bool
        As published: egfr, pgr, erbb2, mki67 and age less their mean, over their standard
        deviation (ddof 0), both of the training rows.

    Returns
    -------
    DataFrame, shape (1904, 12)
        ``x0_egfr``, ``x1_pgr``, ``x2_erbb2``, ``x3_mki67`` (log expression), ``x4_hormone``,
        ``x5_radio``, ``x6_chemo`` (treatments), ``x7_er_pos``, all 0/1, ``x8_age`` (years);
        ``time`` (months), ``event`` (0/1), ``split``. The index is the row of the public file,
        its training part first.

    Raises
    ------
    MissingDataError
        If it is nowhere and cannot be downloaded.
    DataMismatchError
        If a file is another one.

    Notes
    -----
    ``split`` is that of the published influence experiments, "train" 1218, "val" 305 and "test"
    381 rows by NumPy's seed 0, and not the one that comes with the file. Row 1635 is censored at
    time 0: it is in no risk set, and its influence is exactly 0. 174 events are tied. Values are
    single precision.

    The file is part of DeepSurv, which is under the MIT licence; the study has terms of its own.

    References
    ----------
    Curtis et al. (2012), Nature 486, 346-352; Katzman et al. (2018), BMC Med. Res. Methodol. 18,
    whose github.com/jaredleekatzman/DeepSurv has the file.

    Examples
    --------
    >>> load_metabric("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: METABRIC is not part of this package and must be a file ...
    """
    return _load(METABRIC, path, checks.flag(scaled, "scaled"))


def load_support(path: str | Path | None = None, *, scaled: bool = True) -> pd.DataFrame:
    """Survival of 8873 seriously ill patients in hospital: 14 covariates, 6036 deaths.

    Parameters
    ----------
    path : str or Path, optional
        The public ``support_train_test.h5`` (needs the ``data`` extra), the same rows as
        ``support.csv``, or a folder with either. Default: the folder that VIFSTATS_DATA names,
        then the cache; what is in neither is downloaded into the cache, 0.6 MB.
    scaled : bool
        As published: all but female, diabetes and dementia less their mean, over their standard
        deviation (ddof 0), both of the training rows.

    Returns
    -------
    DataFrame, shape (8873, 17)
        ``x0_age`` (years), ``x1_female``, ``x2_num_comorb`` (comorbidities), ``x3_race`` (a code,
        0 to 5), ``x4_diabetes``, ``x5_dementia``, ``x6_cancer`` (0, 1, 2 metastatic),
        ``x7_meanbp`` (mmHg), ``x8_heart_rate``, ``x9_resp_rate`` (a minute), ``x10_temp``
        (Celsius), ``x11_sodium`` (mEq/l), ``x12_wbc`` (white cells, thousands),
        ``x13_creatinine`` (mg/dl); ``time`` (days), ``event`` (0/1), ``split``. The index is the
        row of the public file, its training part first.

    Raises
    ------
    MissingDataError
        If it is nowhere and cannot be downloaded.
    DataMismatchError
        If a file is another one.

    Notes
    -----
    ``split`` is that of the published influence experiments, "train" 5678, "val" 1420 and "test"
    1775 rows by NumPy's seed 0. Almost every event is tied, 5632 of 6036 and up to 233 in one day,
    so that the treatment of ties matters. Race and cancer are codes taken as numbers, as published.

    The file is part of DeepSurv, which is under the MIT licence; the study has terms of its own.

    References
    ----------
    Knaus et al. (1995), Ann. Intern. Med. 122, 191-203; Katzman et al. (2018), BMC Med. Res.
    Methodol. 18, whose github.com/jaredleekatzman/DeepSurv has the file.

    Examples
    --------
    >>> load_support("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vifstats.errors.MissingDataError: SUPPORT is not part of this package and must be a file ...
    """
    return _load(SUPPORT, path, checks.flag(scaled, "scaled"))


def _load(source: _Source, path: str | Path | None, scaled: bool) -> pd.DataFrame:
    file = _located(source, path)
    table = _read_hdf5(file, source) if file.suffix == ".h5" else _read_csv(file, source)
    if len(table) != source.n_rows:
        raise DataMismatchError(
            f"{source.file.title} has {source.n_rows} rows, but {str(file)!r} has {len(table)}; is "
            "it another data set?"
        )
    table["split"] = _published_split(len(table))
    return _scaled(table, source.scaled) if scaled else table


def _located(source: _Source, path: str | Path | None) -> Path:
    """A file that is there already, its digest checked; else a download."""
    names = {source.table: source.table_sha256, source.file.name: source.file.sha256}
    file = None
    try:
        file = find_file(source.file.title, list(names), path, source.file.url)
    except MissingDataError:
        if path is not None:
            raise
    if file is None:
        return fetch(source.file)
    if file.name in names:
        require_digest(file, names[file.name])
    return file


def _read_hdf5(file: Path, source: _Source) -> pd.DataFrame:
    try:
        import h5py
    except ImportError as error:
        raise InvalidInputError(
            f"HDF5 needs h5py, which is not installed, to read {str(file)!r}; "
            "pip install 'vifstats[data]'."
        ) from error
    with h5py.File(file) as held:
        parts = [[held[f"{part}/{name}"][:] for part in ("train", "test")] for name in "xte"]
    x, time, event = (np.concatenate(part) for part in parts)
    table = pd.DataFrame(x.astype(float), columns=list(source.covariates))
    return table.assign(time=time.astype(float), event=event.astype(int)).rename_axis("row")


def _read_csv(file: Path, source: _Source) -> pd.DataFrame:
    table = read_table(file)
    names = [*source.covariates, "time", "event"]
    require_columns(table, names)
    # the public file holds single precision, of which text keeps only the nearest decimal
    values = table[names].astype(np.float32).astype(float)
    return values.astype({"event": int}).rename_axis("row")


def _published_split(n: int) -> np.ndarray:
    """A fifth for tests, and of the rest a fifth for validation, by pandas and NumPy's seed 0."""
    random = np.random.RandomState(0)
    rows = pd.Series("train", index=range(n))
    test = rows.sample(frac=0.2, random_state=random).index
    rows[test] = "test"
    rows[rows.drop(test).sample(frac=0.2, random_state=random).index] = "val"
    return rows.to_numpy()


def _scaled(table: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    train = table.loc[table["split"] == "train", list(names)]
    return table.assign(**(table[list(names)] - train.mean()) / train.std(ddof=0))

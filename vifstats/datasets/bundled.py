"""Data sets that come with a library vifstats needs anyway: no file, no network."""

import pandas as pd

__all__ = ["load_rossi"]


def load_rossi() -> pd.DataFrame:
    """Recidivism of 432 men in the year after their release from prison.

    Returns
    -------
    DataFrame, shape (432, 9)
        ``week`` of arrest or end of study (1 to 52), ``arrest`` (0/1, 114 events); ``fin``
        (financial aid), ``age`` (years), ``race``, ``wexp`` (work experience), ``mar``
        (married), ``paro`` (parole), all 0/1 but age; ``prio`` (number of prior convictions).
        Events are heavily tied: 49 distinct weeks.

    References
    ----------
    Rossi, Berk & Lenihan (1980), Money, Work, and Crime. The copy that lifelines bundles, from
    Allison (1995), Survival Analysis Using the SAS System.

    Examples
    --------
    >>> load_rossi().shape
    (432, 9)
    """
    from lifelines import datasets

    return datasets.load_rossi()

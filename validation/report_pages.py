"""A report for each kind of fit that reads differently, to be looked at.

    python -m validation.report_pages FOLDER [NAME ...]

writes NAME.html and NAME.json for all kinds, or for those named, and NAME.txt: the page as text.
METABRIC is not bundled: VIFSTATS_DATA names the folder with it; without, that page is left out.
"""

import argparse
import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from lifelines import CoxPHFitter, CoxTimeVaryingFitter
from lifelines.datasets import load_lung

import vifstats as vs
from vifstats.datasets import load_metabric, load_rossi
from vifstats.estimate import Estimate

__all__ = ["PAGES", "as_plain_text", "write_page"]

SECONDS = 3.0


def rossi() -> tuple[Estimate, dict]:
    """The data that everyone knows."""
    data = load_rossi()
    fit = CoxPHFitter().fit(data, "week", "arrest")
    return vs.from_model(fit, data), {"unit": "man"}


def lung() -> tuple[Estimate, dict]:
    """Covariates of any size: Karnofsky scores to 100."""
    data = load_lung().dropna()
    return vs.from_model(CoxPHFitter().fit(data, "time", "status"), data), {"unit": "patient"}


def metabric() -> tuple[Estimate, dict]:
    """A clinical data set of some size."""
    data = load_metabric().drop(columns="split")
    return vs.from_model(CoxPHFitter().fit(data, "time", "event"), data), {"unit": "patient"}


def logit() -> tuple[Estimate, dict]:
    """Few rows, odds ratios."""
    data = sm.datasets.spector.load_pandas().data
    X = sm.add_constant(data.drop(columns="GRADE"))
    return vs.from_model(sm.Logit(data["GRADE"], X).fit(disp=0)), {"unit": "student", "table": data}


def robust_clusters() -> tuple[Estimate, dict]:
    """Standard errors by clusters."""
    data = load_rossi().assign(site=lambda d: d.index % 27)
    fit = CoxPHFitter().fit(data, "week", "arrest", cluster_col="site")
    return vs.from_model(fit, data), {}


def start_stop() -> tuple[Estimate, dict]:
    """Several rows for each subject, who leaves whole."""
    rng = np.random.default_rng(2)
    rows = []
    for subject in range(80):
        start, size = 0.0, rng.normal()
        for _ in range(rng.integers(1, 4)):
            dose = rng.integers(0, 3)
            end = start + rng.exponential()
            event = int(rng.random() < 0.4 + 0.1 * dose)
            rows.append((subject, start, end, event, size, dose))
            start = end
            if event:
                break
    data = pd.DataFrame(rows, columns=["id", "start", "stop", "event", "size", "dose"])
    fit = CoxTimeVaryingFitter().fit(
        data, id_col="id", event_col="event", start_col="start", stop_col="stop"
    )
    return vs.from_model(fit, data), {"unit": "subject"}


def strata_and_weights() -> tuple[Estimate, dict]:
    """A baseline for each stratum, and weights."""
    data = load_rossi().assign(w=lambda d: 0.5 + (d.index % 4) / 2)
    fit = CoxPHFitter().fit(data, "week", "arrest", strata=["race"], weights_col="w", robust=True)
    return vs.from_model(fit, data), {"unit": "man"}


def _with_a_rare_level(events_among_rare: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 150
    data = pd.DataFrame({"age": rng.normal(60, 9, n), "rare": (np.arange(n) < 8).astype(float)})
    data["treated"] = np.resize([0.0, 1.0], n)
    data["time"] = rng.exponential(np.exp(-0.03 * (data["age"] - 60)))
    data["event"] = (rng.random(n) < 0.7).astype(int)
    data.loc[data["rare"] == 1, "event"] = 0
    data.loc[: events_among_rare - 1, "event"] = 1
    return data


def one_row_separates() -> tuple[Estimate, dict]:
    """One event in a level: without it the level has none."""
    data = _with_a_rare_level(1)
    return vs.from_model(CoxPHFitter().fit(data, "time", "event"), data), {"unit": "patient"}


def all_separated() -> tuple[Estimate, dict]:
    """No event in a level at all."""
    data = _with_a_rare_level(0)
    names = ["age", "rare", "treated"]
    loss = vs.losses.Cox(data[names], data["time"], data["event"])
    standing = vs.losses.Cox(data[["age", "treated"]], data["time"], data["event"])
    age, treated = vs.minimize(standing, [0.0, 0.0]).theta
    return vs.Estimate(loss, [age, -16.0, treated], tol=np.inf), {"unit": "patient"}


def twenty_rows() -> tuple[Estimate, dict]:
    """Too few for two covariates."""
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(20, 2)), columns=["age", "dose"])
    loss = vs.losses.Cox(X, rng.exponential(size=20), rng.random(20) < 0.7)
    return vs.minimize(loss, np.zeros(2)), {}


def long_names() -> tuple[Estimate, dict]:
    """25 covariates with names that fill a line."""
    rng = np.random.default_rng(1)
    names = [f"time_since_the_diagnosis_of_condition_{k:02d}_in_years" for k in range(25)]
    X = pd.DataFrame(rng.normal(size=(400, 25)), columns=names)
    time = rng.exponential(np.exp(-0.3 * X[names[0]]))
    loss = vs.losses.Cox(X, time, rng.random(400) < 0.8)
    return vs.minimize(loss, np.zeros(25)), {"unit": "patient"}


def without_rows() -> tuple[Estimate, dict]:
    """Nothing of any row."""
    est, _ = rossi()
    return est, {"unit": "man", "rows": False}


def least_squares() -> tuple[Estimate, dict]:
    """Coefficients rather than ratios, and t."""
    data = sm.datasets.stackloss.load_pandas().data
    X = sm.add_constant(data.drop(columns="STACKLOSS"))
    return vs.from_model(sm.OLS(data["STACKLOSS"], X).fit()), {"unit": "day"}


PAGES: dict[str, Callable[[], tuple[Estimate, dict]]] = {
    page.__name__: page
    for page in (
        rossi,
        lung,
        metabric,
        logit,
        robust_clusters,
        start_stop,
        strata_and_weights,
        one_row_separates,
        all_separated,
        twenty_rows,
        long_names,
        without_rows,
        least_squares,
    )
}


def write_page(name: str, folder: Path, seconds: float = SECONDS) -> Path:
    """The page of one kind, its JSON and its text, in a folder."""
    est, options = PAGES[name]()
    path = vs.report(est, path=folder / f"{name}.html", seconds=seconds, **options)
    path.with_suffix(".txt").write_text(as_plain_text(path.read_text()))
    return path


def as_plain_text(html: str) -> str:
    """What a reader of a page sees, a line for each row of a table, with what pictures say."""
    html = re.sub(r"(?s)<style.*?</style>|<title.*?</title>", "", html)
    html = re.sub(r'(?s)<img src="[^"]*" alt="([^"]*)">', r"[picture: \1]\n", html)
    html = re.sub(r"</t[dh]>\s*", " | ", html)
    html = re.sub(r"</(tr|p|h\d|li|caption|figcaption|dd)>", "\n", html)
    text = unescape(re.sub(r"(?s)<[^>]*>", "", html)).replace("\N{NO-BREAK SPACE}", " ")
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def main() -> None:
    """Write the pages that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PAGES)}")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for refits of a page")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.names or PAGES:
        if name == "metabric" and "VIFSTATS_DATA" not in os.environ:
            print("metabric: left out, as VIFSTATS_DATA is not set")
            continue
        print(write_page(name, args.folder, args.seconds))


if __name__ == "__main__":
    main()

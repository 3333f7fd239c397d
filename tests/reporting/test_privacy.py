"""Without rows, nothing from which a value of a row can be computed is in any file: by attack."""

import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import vifstats as vs
from vifstats.errors import InvalidInputError
from vifstats.reporting import as_text, describe, find, write_findings
from vifstats.reporting.assemble import confirmed, report_texts

NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
# The place of a tick of an axis, and its label.
TICK = re.compile(r'<use [^>]*x="([\d.]+)"[^>]*>(?:(?!<use).)*?<text[^>]*>([^<]+)<', re.S)
# A figure as near as this to the value of a row, in parts of the spread of all rows, gives it away.
RECOVERED = 1e-3


@dataclass(frozen=True)
class Data:
    """A fit, and what must stay inside: numbers by what they are."""

    est: vs.Estimate
    secrets: dict[str, np.ndarray]


def pay(n=60, seed=1, y=None):
    """The mean of a column, of which the largest value is known by its influence."""
    rng = np.random.default_rng(seed)
    y = np.round(rng.lognormal(10, 0.6, size=n), 2) if y is None else y
    loss = vs.MEstimator(lambda theta, y: 0.5 * (y - theta[0]) ** 2, y)
    est = vs.from_model(sm.OLS(y, np.ones((n, 1))).fit())
    assert vs.minimize(loss, est.theta).theta == pytest.approx(est.theta)
    return Data(est, {"pay": y})


def cox(n=90, seed=5, groups=None):
    rng = np.random.default_rng(seed)
    labels = [f"id-{i:04d}x" for i in range(n)]
    X = pd.DataFrame(rng.normal(size=(n, 2)), index=labels, columns=["score", "dose"])
    time = pd.Series(rng.exponential(10.0, size=n), index=labels)
    event = pd.Series(rng.random(n) < 0.7, index=labels)
    loss = vs.losses.Cox(X, time, event)
    theta = vs.minimize(loss, np.zeros(2)).theta
    est = vs.Estimate(loss, theta, names=["score", "dose"], labels=labels, groups=groups)
    return Data(est, {"score": X["score"].to_numpy(), "dose": X["dose"].to_numpy(), "time": time})


def two_groups(n=50, seed=3, y=None):
    rng = np.random.default_rng(seed)
    x = np.resize([0.0, 1.0], n)
    y = rng.normal(3.0 + x) + 0.5 * rng.exponential(size=n) if y is None else y
    est = vs.from_model(sm.OLS(y, np.column_stack([np.ones(n), x])).fit())
    return Data(est, {"outcome": y})


FITS = {"pay": pay, "cox": cox, "two groups": two_groups}


def files(est, folder, *, rows=False, **options):
    """All text of all files, and of the terminal."""
    found = confirmed(find(est, seconds=np.inf), seconds=np.inf)
    document = describe(found, rows=rows, seconds=1e-9, **options)
    paths = write_findings(found, folder, {}, rows=rows)
    texts = [*report_texts(document, "run"), *(p.read_text() for p in paths)]
    return [unquote(text) for text in [*texts, as_text(found, named=rows)]]


def numbers_of(texts):
    """Every number of every file, also of coordinates and colours."""
    found = {float(t.replace("−", "-")) for text in texts for t in NUMBER.findall(text)}
    return np.array(sorted(found))


def on_the_scales_of(texts):
    """Coordinates of pictures as numbers of their axes, from every two ticks that are labelled."""
    out = []
    for picture in [p for text in texts for p in re.findall(r"(?s)<svg .*?</svg>", text)]:
        found = numbers_of([picture])
        coordinates = found[(found > 0) & (found < 1000)]
        ticks = TICK.findall(picture)
        known = [(float(x), float(t.replace("−", "-"))) for x, t in ticks if NUMBER.fullmatch(t)]
        for (x0, v0), (x1, v1) in zip(known, known[1:], strict=False):
            if x0 != x1:
                out.append(v0 + (coordinates - x0) * (v1 - v0) / (x1 - x0))
    return np.concatenate(out) if out else np.zeros(0)


def figures_of(texts):
    return np.concatenate([numbers_of(texts), on_the_scales_of(texts)])


def recovered(data, texts, others):
    """What an attacker computes who knows the fit: the secrets that some figure gives away.

    Every figure is tried as each of the things it could be: an estimate without the row, a change
    of it, that in standard errors or percent, or Cook's distance.
    """
    est, n = data.est, data.est.loss.n_objects
    refits = vs.leave_one_out(est)
    # what a page of other rows has too is of the page, not of the rows
    figures = np.setdiff1d(figures_of(texts), figures_of(others))
    out = {}
    for j, name in enumerate(est.names):
        theta, scale = est.theta[j], est.standard_errors[j]
        with np.errstate(all="ignore"):
            guesses = [
                theta - figures,
                theta - np.log(np.abs(figures)),
                figures,
                figures * scale,
                np.log1p(figures / 100),
                np.sqrt(np.abs(figures)) * scale * np.sqrt(len(est.theta)),
            ]
        changes, spread = refits.values[:, j], np.ptp(refits.values[:, j])
        # The fit itself, and 0, are published: they say of no row what it is.
        guessed = np.concatenate([np.concatenate([g, -g]) for g in guesses])
        guessed = guessed[np.isfinite(guessed) & (np.abs(guessed) > 0.2 * np.abs(changes).max())]
        for end in (changes.argmin(), changes.argmax()):
            error = np.abs(guessed - changes[end]).min(initial=np.inf)
            if error < RECOVERED * spread:
                out[f"{name} without {end}"] = error / spread
    for name, values in data.secrets.items():
        printed = {f"{abs(v):.6g}" for v in np.asarray(values, dtype=float)}
        if any(value in text for value in printed for text in texts):
            out[name] = 0.0
    return out if n else {}


@pytest.mark.parametrize("kind", FITS)
def test_the_attack_recovers_nothing(kind, tmp_path):
    data, other = FITS[kind](), FITS[kind](seed=99)
    assert recovered(data, files(data.est, tmp_path), files(other.est, tmp_path)) == {}


@pytest.mark.parametrize("kind", FITS)
def test_with_rows_the_attack_succeeds(kind, tmp_path):
    """It finds what it looks for."""
    data, other = FITS[kind](), FITS[kind](seed=99)
    texts = (files(each.est, tmp_path, rows=True) for each in (data, other))
    found = recovered(data, *texts)
    assert len([name for name in found if "without" in name]) >= len(data.est.names) - 1


def with_the_same_fit(y, groups):
    """Other values with the same means and sum of squares: the largest by a tenth of its distance.

    Then no fit can tell them apart, and whoever reads a page made of either must not.
    """
    y = y.copy()
    largest = int(y.argmax())
    same = np.flatnonzero((groups == groups[largest]) & (np.arange(len(y)) != largest))
    others = y[same] - y[same].mean()
    total, squares = y[same].sum() + y[largest], (y[same] ** 2).sum() + y[largest] ** 2
    y[largest] -= 0.06 * (y[largest] - y[same].mean())
    mean = (total - y[largest]) / len(same)
    left = squares - y[largest] ** 2 - len(same) * mean**2
    y[same] = mean + others * np.sqrt(left / (others**2).sum())
    return y


@pytest.mark.parametrize("make", [pay, two_groups])
def test_other_rows_with_the_same_fit_make_the_same_files(make, tmp_path):
    """Byte for byte: so nothing but the fit can be computed from them, by whatever attack."""
    data = make()
    (y,) = data.secrets.values()
    groups = data.est.loss.designs[0][:, -1]
    other = make(y=with_the_same_fit(y, groups))
    assert other.est.theta == pytest.approx(data.est.theta, rel=1e-12)
    assert other.est.standard_errors == pytest.approx(data.est.standard_errors, rel=1e-10)
    assert abs(max(y) - max(other.secrets.popitem()[1])) > 0.02 * np.ptp(y)
    one, two = (without_the_last_digits(files(each.est, tmp_path)) for each in (data, other))
    assert one == two


def without_the_last_digits(texts):
    """Rounding of the same fit, and seconds, are not of any row."""
    texts = [
        re.sub(r'"seconds": [\d.e-]+|[\d.e-]+ s\b|[\d.e-]+ seconds|"run": "\w+"', "", t)
        for t in texts
    ]
    return [re.sub(r"\d+\.\d{6,}", lambda m: f"{float(m[0]):.8g}", t) for t in texts]


@pytest.mark.parametrize("groups", [None, np.repeat([f"site-{i:03d}" for i in range(30)], 3)])
def test_no_label_of_any_row_or_group(groups, tmp_path):
    est = cox(groups=groups).est
    hidden = [*est.labels, *([] if groups is None else groups)]
    for text in files(est, tmp_path, unit="site"):
        assert not [label for label in hidden if label in text]


def test_no_hash_of_the_data(tmp_path):
    """All values but one known, the last is found by trying."""
    est = two_groups().est
    sha = vs.reporting.fingerprint(est.loss)
    path = vs.report(est, path=tmp_path / "report.html", rows=False, seconds=0.1)
    for name in ("report.html", "report.json"):
        assert sha not in (path.parent / name).read_text()


def test_counts_are_merged_and_rounded(private):
    for item in [*private["coefficients"], {"beyond": private["beyond"], "n_flipping": None}]:
        counts = [found["n"] for found in item["beyond"]] + [item["n_flipping"]]
        assert all(n is None or (n >= 5 and n % 5 == 0) for n in counts)


def test_counts_are_those_of_the_rows(private, estimate):
    size = np.abs(vs.leave_one_out(estimate).dfbetas.to_numpy())
    for item, of_one in zip(private["coefficients"], size.T, strict=True):
        for found in item["beyond"]:
            n = int((of_one > found["threshold"]).sum())
            assert abs((found["n"] or 2) - n) <= 3


def test_the_fit_itself_stands(private, document):
    assert private["rows"] is None and private["groups"] is None
    for one, other in zip(private["coefficients"], document["coefficients"], strict=True):
        assert one["effect"] == other["effect"] and one["p"] == other["p"]
        assert one["largest"] is one["lowest"] is one["highest"] is None


def test_nothing_new_goes_out_by_itself(private, document):
    """A key that another section gets stays inside until it is listed."""
    for section in ("overview", "accuracy", "survival", "method"):
        inside = set(document[section]) - set(private[section])
        assert not inside & {"sentence"} and inside | set(private[section])
    assert "figures" in private and set(private["figures"]) == {"counts"}
    assert "worst_row" in document["accuracy"] and private["accuracy"]["worst_row"] is None


# The page, the terminal, and the tables with JSON.
WITHOUT_ROWS = {
    "page": lambda found, folder: describe(found, rows=False, seconds=0.1),
    "text": lambda found, folder: as_text(found, named=False),
    "tables": lambda found, folder: write_findings(found, folder, {}, rows=False),
}


@pytest.mark.parametrize("write", WITHOUT_ROWS.values(), ids=WITHOUT_ROWS)
def test_parameters_that_belong_to_a_row_cannot_be_hidden(write, tmp_path):
    loss = vs.losses.BradleyTerry(list("aabbccdd"), list("bbacadab"), ridge=0.1)
    found = find(vs.minimize(loss, np.zeros(4)))
    with pytest.raises(InvalidInputError, match="belong to one each"):
        write(found, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", WITHOUT_ROWS.values(), ids=WITHOUT_ROWS)
def test_a_row_that_is_fitted_exactly_cannot_be_hidden(write, tmp_path):
    """The only member of a group: its coefficient is its value."""
    x = np.zeros(20)
    x[3] = 1.0
    y = np.random.default_rng(0).normal(size=20)
    found = find(vs.from_model(sm.OLS(y, np.column_stack([np.ones(20), x])).fit()))
    with pytest.raises(InvalidInputError, match="1 rows are fitted exactly"):
        write(found, tmp_path)
    assert not list(tmp_path.iterdir())


def test_json_of_both_kinds_is_json(private, document):
    assert json.loads(json.dumps(private)) and json.loads(json.dumps(document))

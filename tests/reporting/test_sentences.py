"""Every sentence with a number is made from the numbers beside it, and says them right."""

import copy
import json
import re

import numpy as np
import pytest

import vifstats as vs
from vifstats.reporting import sentences


@pytest.fixture
def changed(document):
    return copy.deepcopy({k: v for k, v in document.items() if k != "figures"})


def test_sentences_are_made_from_the_json(any_document):
    again = json.loads(json.dumps(any_document))
    about = again["overview"]
    unit = about["unit"]
    assert again["headline"] == sentences.headline(again)
    assert again["subtitle"] == sentences.subtitle(again)
    assert again["accuracy"]["sentence"] == sentences.accuracy(again["accuracy"], unit)
    assert again["accuracy"]["how"] == sentences.how_refitted(again["accuracy"], unit)
    for item in (again["rows"] or {"items": []})["items"]:
        assert item["sentence"] == sentences.top_row(item, about)
    if again["sets"]:
        assert again["sets"]["sentence"] == sentences.sets_searched(again["sets"], unit)
        for item in again["sets"]["items"]:
            assert item["sentence"] == sentences.set_found(item, about)
    for item in again["alerts"]:
        assert item["sentence"] == sentences.alert(item, unit)
    if again["survival"]:
        assert again["survival"]["sentence"] == sentences.survival(again["survival"], unit)


def test_the_largest_change_is_the_largest(document, estimate):
    refits = vs.leave_one_out(estimate)
    size = np.abs(refits.dfbetas.to_numpy())
    row, j = np.unravel_index(size.argmax(), size.shape)
    name, x = estimate.names[j], estimate.loss.data.X[:, j]
    step = x.std(ddof=1)
    percent = 100 * np.expm1(-refits.values[row, j] * step)
    first = document["headline"][0].replace("\xa0", " ").replace("−", "-")
    assert f"is in {name}: without man {refits.index[row]} the hazard ratio of {name} per" in first
    assert f"({percent:.1f} %, {size.max():.3f} standard errors)" in first


def test_the_verdicts_count_refits(document, estimate):
    refits = vs.leave_one_out(estimate)
    thetas = estimate.theta - refits.values
    H = estimate.loss.reduced_curvatures(thetas, refits.removals)
    z = thetas / np.sqrt(np.einsum("kii->ki", np.linalg.inv(H)))
    full = np.abs(estimate.theta / estimate.standard_errors)
    flips = ((np.abs(z) > 1.959964) != (full > 1.959964)).sum(axis=0)
    for item, n in zip(document["coefficients"], flips, strict=True):
        assert item["n_flipping"] == item["n_flipping_refitted"] == n
    (sentence,) = [s for s in document["headline"] if "fin" in s and "significant" in s]
    n = flips[estimate.names.index("fin")]
    assert sentence.replace("\xa0", " ") == (
        f"fin is significant (p = 0.047), but leaving out any one of {n} men makes it "
        "non-significant."
    )


def test_nobody_decides(changed):
    for item in changed["coefficients"]:
        item["n_flipping"] = 0
    assert (
        "No single man decides whether any hazard ratio is significant at the 5 % level."
        in sentences.headline(changed)
    )


def test_a_single_row_gains(changed):
    changed["coefficients"][2] |= {"n_flipping": 1, "n_flipping_predicted": 1, "flipping": ["m7"]}
    (sentence,) = [s for s in sentences.headline(changed) if "race" in s]
    assert sentence.replace("\xa0", " ") == (
        "race is not significant (p = 0.308), but without man m7 it is (predicted, not refitted)."
    )


def test_rows_that_cannot_be_refitted_are_set_apart(changed):
    changed["alerts"] = [{"kind": "separation", "n": 2, "rows": ["m1", "m2"]}]
    changed["coefficients"][4]["lowest"] |= {"goes": "-"}
    first, second = sentences.headline(changed)[:2]
    assert first == (
        "Without one of 2 men (m1, m2), the hazard ratio of mar cannot be estimated: it is 0 "
        "(separation)."
    )
    assert second.startswith("Among the other men, the largest change")


def test_coefficients_are_of_one_unit(changed):
    changed["overview"] |= {"ratio": False, "effect": "coefficient"}
    assert "the coefficient of age is" in sentences.headline(changed)[0]
    assert "per standard deviation" not in sentences.headline(changed)[0]


def test_nothing_could_be_computed(changed):
    for item in changed["coefficients"]:
        item["largest"] = None
    assert sentences.headline(changed)[0] == "No change of any hazard ratio could be computed."


def test_exact_refits_need_no_apology(changed):
    changed["accuracy"]["method"] = "refit"
    assert sentences.headline(changed)[-1].startswith("Every man was left out and the model")


def test_no_refit_converged(changed):
    changed["accuracy"]["figures"] = []
    assert sentences.headline(changed)[-1] == (
        "None of the refits converged, so accuracy is unknown."
    )


ENDS = ("lowest", "highest")


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((1.02, 1.07), "2.0 to 7.0 % larger than predicted"),
        ((0.95, 0.98), "2.0 to 5.0 % smaller than predicted"),
        ((0.98, 1.05), "between 2.0 % smaller and 5.0 % larger than predicted"),
        ((1.0, 1.0), "were those predicted"),
        ((1.02, 1.02), "2.0 % larger than predicted"),
    ],
)
def test_slopes_are_told_as_what_they_mean(ends, expected, changed):
    larger = {
        f"{end}_larger_percent": 100 * (slope - 1) for end, slope in zip(ENDS, ends, strict=True)
    }
    section = changed["accuracy"] | larger
    assert expected in sentences.accuracy(section, "man").replace("\xa0", " ")


ALERTS = [
    (
        {"kind": "separated", "names": ["rare"], "known": True, "along": "-rare"},
        "With all rows the coefficient of rare is infinite (separation).",
    ),
    (
        {"kind": "separated", "names": ["a", "b"], "known": False, "along": ""},
        "With all rows at least one coefficient is infinite",
    ),
    (
        {"kind": "separation", "n": 1, "rows": ["7"], "names": ["rare"]},
        "Without row 7 the coefficient of rare is infinite (separation).",
    ),
    (
        {"kind": "separation", "n": 9, "rows": ["7", "8"], "names": []},
        "Without any one of 9 rows (7, 8, ...) at least one coefficient is infinite",
    ),
    (
        {"kind": "separation", "n": None, "rows": [], "rounded": True},
        "Without any one of fewer than 5 rows at least one coefficient is infinite",
    ),
    (
        {"kind": "did not converge", "n": 9, "rows": ["1", "2"]},
        "9 refits did not converge, so the influence of those rows is unknown, such as 1, 2.",
    ),
    ({"kind": "indefinite", "n": 1, "rows": ["3"]}, "Without row 3 the loss has no minimum nearby"),
    ({"kind": "not in fit", "n": 1, "rows": ["4"]}, "1 row was not in the fit and has"),
    ({"kind": "owned", "n": 2, "rows": []}, "2 rows have parameters of their own"),
    (
        {"kind": "few events", "n_events": 9, "n_parameters": 3, "each": 3.0, "convention": 10},
        "Only 3 events per parameter (9 events, 3 parameters); fewer than 10 is usually",
    ),
    (
        {
            "kind": "inaccurate",
            "names": ["a", "b"],
            "worst": "b",
            "slope": 1.5,
            "larger_percent": 50.0,
            "percent": 40.0,
            "method": "vif",
        },
        "coarse for a, b: for b refitted changes are on average 50.0 % larger than predicted",
    ),
    (
        {
            "kind": "inaccurate",
            "names": [*"abcdefg"],
            "worst": "b",
            "slope": 0.8,
            "larger_percent": -20.0,
            "percent": 40.0,
            "method": "newton",
        },
        'largest change. Use method="refit".',
    ),
    (
        {"kind": "out of time", "n_refitted": 8, "n_planned": 60, "seconds": 20.4},
        "Time ran out after 8 of 60 planned refits (20.4 seconds)",
    ),
    (
        {"kind": "conspicuous", "n": 1, "convention": 0.2, "n_near": 0},
        "1 row moves at least one coefficient",
    ),
    (
        {"kind": "conspicuous", "n": 9, "convention": 0.2, "n_near": 2},
        "2 rows near that were not refitted",
    ),
    ({"kind": "gauge", "n": 3}, "The loss does not change along 3 directions"),
]


@pytest.mark.parametrize(("found", "expected"), ALERTS)
def test_alerts_say_their_numbers(found, expected):
    assert expected in sentences.alert(found, "row").replace("\xa0", " ")


def test_sets_say_what_they_prove(document):
    about = document["overview"]
    first = document["sets"]["items"][0]  # fin, whose p is next to 0.05
    assert re.match(
        r"fin is no longer significant without 1 man \(man m\d+x\): p is", first["sentence"]
    )
    several = first | {"n": 2, "rows": ["a", "b"], "significant": False}
    assert re.match(
        r"fin becomes significant without 2 men \(men a, b\)", sentences.set_found(several, about)
    )
    beaten = sentences.set_found(first | {"flips": False, "n": 4}, about)
    assert re.match(r"fin stays significant even without the 4 men found: p is", beaten)
    turned = sentences.set_found(several | {"about": "sign"}, about)
    assert "fin changes direction" in turned and "the hazard ratio of fin is" in turned


def test_no_sentence_is_longer_than_a_breath(document):
    words = [len(s.split()) for s in document["headline"]]
    assert max(words) < 45


ACCURACY = {
    "method": "vif",
    "n_all": 400,
    "n_refitted": 59,
    "n_planned": 59,
    "n_exact_before": 0,
    "all_exact": False,
    "separated": False,
    "n_top": 10,
    "n_random": 49,
    "n_failed": 0,
    "seed": 0,
    "figures": [],
}
HOW = [
    ({}, "59 rows were refitted to compare: 10 of the most influential, and 49 others at random"),
    (
        {"n_refitted": 8, "n_top": 8, "n_random": 0},
        "8 rows of 59 planned were refitted to compare: 8 of",
    ),
    ({"n_all": 59}, "The comparison is of all 59 rows."),
    ({"n_exact_before": 1, "n_top": 0}, "0 of the most influential, and 49 others at random"),
    ({"n_exact_before": 1}, "1 row had been refitted before and is not part of the comparison."),
    ({"n_failed": 2}, "2 refits failed."),
    ({"method": "refit"}, ""),
]


@pytest.mark.parametrize(("change", "expected"), HOW)
def test_it_is_said_what_was_refitted(change, expected):
    said = sentences.how_refitted(ACCURACY | change, "row")
    assert expected in said and bool(said) == bool(expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "None of the refits converged"),
        ({"n_refitted": 0}, "There was no time for refits"),
        ({"n_refitted": 0, "n_planned": 0}, "No row was refitted to compare"),
        ({"separated": True}, "The fit of all rows is not finite, so no row could be left out"),
    ],
)
def test_why_nothing_is_known_of_the_accuracy(change, expected):
    said = sentences.accuracy(ACCURACY | change, "row")
    assert said.startswith(expected) and said.endswith("accuracy is unknown.")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "Time ran out after 6 of 14 conclusions: for the least certain ones"),
        ({"n_searched": 14}, "We searched for a set of at most 43 rows for each of 14"),
        (
            {"n_searched": 1, "n_questions": 1},
            "We searched for a set of at most 43 rows for the only",
        ),
        ({"too_many": True}, "No sets were searched: with 100,000 rows"),
    ],
)
def test_it_is_said_how_far_the_search_went(change, expected):
    section = {"n_searched": 6, "n_questions": 14, "largest": 43, "n_rows": 10**5}
    section["too_many"] = False
    assert sentences.sets_searched(section | change, "row").startswith(expected)


def test_a_parameter_without_meaning_is_not_talked_about(changed):
    changed["overview"] |= {"n_gauge": 1, "effect": "parameter", "unit": "node"}
    (sentence,) = sentences.headline(changed)
    assert sentence.startswith("Single parameters of this model are not determined")

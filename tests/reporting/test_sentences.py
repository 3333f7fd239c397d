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
    percent = 100 * np.abs(np.expm1(-refits.values))
    row, j = np.unravel_index(percent.argmax(), percent.shape)
    first = document["headline"][0]
    assert f"by more than {percent.max():.1f}\xa0%" in first
    assert f"that of {estimate.names[j]} goes from" in first
    assert f"without man {refits.index[row]}" in first


def test_the_verdicts_count_refits(document, estimate):
    refits = vs.leave_one_out(estimate)
    thetas = estimate.theta - refits.values
    H = estimate.loss.reduced_curvatures(thetas, refits.removals)
    z = thetas / np.sqrt(np.einsum("kii->ki", np.linalg.inv(H)))
    full = np.abs(estimate.theta / estimate.standard_errors)
    flips = ((np.abs(z) > 1.959964) != (full > 1.959964)).sum(axis=0)
    for item, n in zip(document["coefficients"], flips, strict=True):
        assert item["n_flipping"] == item["n_flipping_refitted"] == n
    (sentence,) = [s for s in document["headline"] if "fin" in s and "significance" in s]
    n = flips[estimate.names.index("fin")]
    assert sentence.replace("\xa0", " ") == (
        f"{n} men make fin lose significance, each by leaving alone (p = 0.047 with all rows)."
    )


def test_nobody_decides(changed):
    for item in changed["coefficients"]:
        item["n_flipping"] = 0
    assert (
        "No single man decides whether any hazard ratio is significant at the 5 % level."
        in sentences.headline(changed)
    )


def test_a_single_row_gains(changed):
    changed["coefficients"][2] |= {"n_flipping": 1, "n_flipping_refitted": 0, "flipping": ["m7"]}
    (sentence,) = [s for s in sentences.headline(changed) if "race" in s]
    assert sentence.replace("\xa0", " ") == (
        "1 man (m7) makes race gain significance, by leaving (p = 0.308 with all rows; not all of "
        "it refitted)."
    )


def test_rows_that_cannot_be_refitted_are_set_apart(changed):
    changed["alerts"] = [{"kind": "separation", "n": 2, "rows": []}]
    assert sentences.headline(changed)[0].startswith("Removing any single other man")


def test_without_a_ratio_changes_are_in_standard_errors(changed):
    changed["overview"] |= {"ratio": False, "effect": "coefficient"}
    largest = max(abs(item["largest"]["dfbetas"]) for item in changed["coefficients"])
    assert f"by more than {largest:.3g} standard errors" in sentences.headline(changed)[0]


def test_nothing_could_be_computed(changed):
    for item in changed["coefficients"]:
        item["largest"] = None
    assert sentences.headline(changed)[0] == "No change of any hazard ratio could be computed."


def test_exact_refits_need_no_apology(changed):
    changed["accuracy"]["method"] = "refit"
    assert sentences.headline(changed)[-1].startswith("Every man was refitted")


def test_no_refit_converged(changed):
    changed["accuracy"]["figures"] = []
    assert "nothing is known about the accuracy" in sentences.headline(changed)[-1]


ALERTS = [
    ({"kind": "separated"}, "With all data some coefficient is infinite already"),
    ({"kind": "separation", "n": 1, "rows": ["7"]}, "Without 1 row taken one at a time"),
    (
        {"kind": "did not converge", "n": 9, "rows": ["1", "2"]},
        "said of them, such as 1, 2.",
    ),
    ({"kind": "indefinite", "n": 1, "rows": []}, "no minimum near."),
    ({"kind": "not in fit", "n": 1, "rows": ["4"]}, "1 row was not in the fit and has"),
    ({"kind": "owned", "n": 2, "rows": []}, "2 rows own parameters"),
    (
        {"kind": "few events", "n_events": 9, "n_parameters": 3, "each": 3.0, "convention": 10},
        "9 events for 3 parameters are 3 each; below 10",
    ),
    (
        {"kind": "inaccurate", "names": ["a", "b"], "worst": "b", "slope": 1.5, "percent": 40.0},
        "coarse for a, b: for b refits have slope 1.5",
    ),
    (
        {"kind": "out of time", "n_refitted": 8, "n_planned": 60, "seconds": 20.4},
        "Only 8 of 60 planned refits were made in 20.4 seconds",
    ),
    ({"kind": "conspicuous", "n": 1, "convention": 0.2}, "1 row moves some coefficient"),
    (
        {"kind": "inaccurate", "names": [*"abcdefg"], "worst": "b", "slope": 2.0, "percent": 40.0},
        "coarse for 7 parameters, such as a, b, c, d, e: for b",
    ),
    ({"kind": "gauge", "n": 3}, "Along 3 directions the loss does not change"),
]


@pytest.mark.parametrize(("found", "expected"), ALERTS)
def test_alerts_say_their_numbers(found, expected):
    assert expected in sentences.alert(found, "row").replace("\xa0", " ")


def test_sets_say_what_they_prove(document):
    about = document["overview"]
    first = document["sets"]["items"][0]  # fin, whose p is next to 0.05
    assert re.match(r"fin loses significance without 1 man \(man m\d+x\): p is", first["sentence"])
    several = first | {"n": 2, "rows": ["a", "b"], "significant": False}
    assert re.match(
        r"fin gains significance without 2 men \(men a, b\)", sentences.set_found(several, about)
    )
    beaten = sentences.set_found(first | {"flips": False, "n": 4}, about)
    assert re.match(r"fin keeps significance without the 4 men chosen: p is", beaten)
    turned = sentences.set_found(several | {"about": "sign"}, about)
    assert "fin changes direction" in turned and "the hazard ratio is" in turned


def test_no_sentence_is_longer_than_a_breath(document):
    words = [len(s.split()) for s in document["headline"]]
    assert max(words) < 45


ACCURACY = {
    "method": "vif",
    "n_all": 400,
    "n_refitted": 59,
    "n_planned": 59,
    "n_exact_before": 0,
    "n_top": 10,
    "n_random": 49,
    "n_failed": 0,
    "seed": 0,
    "figures": [],
}
HOW = [
    ({}, "59 rows refitted to compare: the 10 most influential and 49 others at random (seed 0)."),
    (
        {"n_refitted": 8, "n_top": 8, "n_random": 0},
        "8 rows of 59 planned refitted to compare: the 8",
    ),
    ({"n_all": 59}, "All 59 rows were refitted."),
    ({"n_exact_before": 1, "n_top": 0}, "0 of the most influential and 49 others at random"),
    ({"n_exact_before": 1}, "1 row came refitted already and is no part of the comparison."),
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
        ({}, "No refit converged"),
        ({"n_refitted": 0}, "There was no time for refits"),
        ({"n_refitted": 0, "n_planned": 0}, "There was none to compare"),
    ],
)
def test_why_nothing_is_known_of_the_accuracy(change, expected):
    said = sentences.accuracy(ACCURACY | change, "row")
    assert said == f"{expected}, so nothing is known about the accuracy of these numbers."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "The time was up after 6 of 14 conclusions: the nearest"),
        ({"n_searched": 14}, "All 14 conclusions were looked at, with sets of up to 43 rows"),
        ({"n_searched": 1, "n_questions": 1}, "The only conclusion was looked at"),
        ({"too_many": True}, "No sets were looked for: with 100,000 rows"),
    ],
)
def test_it_is_said_how_far_the_search_went(change, expected):
    section = {"n_searched": 6, "n_questions": 14, "largest": 43, "n_rows": 10**5}
    section["too_many"] = False
    assert sentences.sets_searched(section | change, "row").startswith(expected)


def test_a_parameter_without_meaning_is_not_talked_about(changed):
    changed["overview"] |= {"n_gauge": 1, "effect": "parameter", "unit": "node"}
    (sentence,) = sentences.headline(changed)
    assert sentence.startswith("A single parameter of this model has no meaning of its own")

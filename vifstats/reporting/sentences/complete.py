"""All sentences of a report."""

from typing import Any

from vifstats.reporting.sentences.accuracy import accuracy, how_refitted
from vifstats.reporting.sentences.alerts import alert
from vifstats.reporting.sentences.data import about_data, limitations
from vifstats.reporting.sentences.fragility import edits_found, edits_searched
from vifstats.reporting.sentences.headline import headline, subtitle
from vifstats.reporting.sentences.methods import methods, results
from vifstats.reporting.sentences.rows import top_row
from vifstats.reporting.sentences.sets import set_found, sets_searched
from vifstats.reporting.sentences.survival import survival

__all__ = ["complete"]


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its sentences, each beside the numbers that it is made from."""
    about = document["overview"]
    for found in document["alerts"]:
        found["sentence"] = alert(found, about["unit"])
    for item in (document["rows"] or {"items": []})["items"]:
        item["sentence"] = top_row(item, about)
    if found_sets := document["sets"]:
        found_sets["sentence"] = sets_searched(found_sets, about["unit"])
        for item in found_sets["items"]:
            item["sentence"] = set_found(item, about)
    if (edits := document["fragility"]) is not None:
        who = about["unit"] if about["n_rows"] == about["n_removals"] else "row"
        edits["sentence"] = edits_searched(edits, who)
        for item in edits["items"]:
            item["sentence"] = edits_found(item, edits, who)
    if document["survival"]:
        document["survival"]["sentence"] = survival(document["survival"], about["unit"])
    refitted = document["accuracy"]
    refitted["sentence"] = accuracy(refitted, about["unit"])
    refitted["how"] = how_refitted(refitted, about["unit"])
    document["method"]["paragraph"] = methods(document)
    document["method"]["limitations"] = limitations(document)
    document["subtitle"] = subtitle(document)
    document["headline"] = headline(document)
    document["method"]["results"] = results(document)
    if document["data"] is not None:
        document["data"]["facts"] = about_data(document)
    return document

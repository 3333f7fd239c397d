"""Numbers of README and docs/ that claim accuracy or speed are those of the results."""

import re

import pytest

from validation import documents
from validation.experiments import EXPERIMENTS
from validation.running import load_all

FILES = list(documents.documents())


@pytest.fixture(scope="module")
def records():
    return load_all(EXPERIMENTS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_blocks_are_as_the_results_have_them(file, records):
    text = file.read_text(encoding="utf-8")
    assert documents.rewritten(text, records) == text, (
        "python -m validation --write-docs writes them anew"
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_block_that_begins_ends(file):
    text = file.read_text(encoding="utf-8")
    assert text.count("<!-- generated: ") == text.count("<!-- end -->")
    assert len(documents.BLOCK.findall(text)) == text.count("<!-- generated: ")


def test_readme_has_accuracy_and_speed():
    text = FILES[0].read_text(encoding="utf-8")
    assert {"accuracy", "speed"} <= set(re.findall("<!-- generated: (.+) -->", text))


def test_a_number_changed_by_hand_is_found(records):
    block = "<!-- generated: accuracy -->\n\nas it was\n\n<!-- end -->"
    written = documents.rewritten(block, records)
    assert "METABRIC" in written and "as it was" not in written
    assert documents.rewritten(written, records) == written
    assert documents.rewritten(written.replace("1218", "1219"), records) == written

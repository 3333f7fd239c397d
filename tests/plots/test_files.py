"""Pictures for print: fonts that journals take, and files that are whole."""

import matplotlib.pyplot as plt
import pytest

from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.plots import save


@pytest.fixture
def ax():
    _, ax = plt.subplots()
    ax.set_xlabel("hazard ratio")
    yield ax
    plt.close("all")


def test_letters_of_a_pdf_are_truetype(ax, tmp_path):
    data = save(ax, tmp_path / "a.pdf").read_bytes()
    assert b"/TrueType" in data or b"/CIDFontType2" in data
    assert b"/Type3" not in data


def test_settings_of_others_stay(ax, tmp_path):
    before = plt.rcParams["pdf.fonttype"]
    save(ax, tmp_path / "a.svg")
    assert plt.rcParams["pdf.fonttype"] == before
    assert "hazard ratio" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_a_png_has_the_dots_asked_for(ax, tmp_path):
    sizes = [plt.imread(save(ax, tmp_path / "a.png", dpi=dpi)).shape[1] for dpi in (50, 100)]
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.05)


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"ax": 3}, InvalidTypeError, "must be the Axes"),
        ({"path": "a.doc"}, InvalidInputError, "must end in one of .pdf"),
        ({"path": "a"}, InvalidInputError, "must end in one of .pdf"),
        ({"path": 3}, InvalidTypeError, "path"),
        ({"dpi": 0}, InvalidInputError, "dpi"),
        ({"dpi": 2.5}, InvalidTypeError, "dpi"),
    ],
)
def test_what_cannot_be_saved_says_why(ax, tmp_path, change, error, words):
    arguments = {"ax": ax, "path": tmp_path / "a.pdf", "dpi": 300} | change
    with pytest.raises(error, match=words):
        save(arguments["ax"], arguments["path"], dpi=arguments["dpi"])
    assert not list(tmp_path.iterdir())

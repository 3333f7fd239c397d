"""What README and the pages of the site show is what happens, and every link leads somewhere."""

from __future__ import annotations

import inspect
import operator
import re
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import public
import pytest
from pages import CELL, CODE, FENCE, blocks, run, says_the_same

import vifstats
from vifstats.cli.command import main
from vifstats.cli.options import REGRESSIONS, command_parser
from vifstats.deletion.on_target import TargetInfluence
from vifstats.deletion.result import Influence

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted(DOCS.rglob("*.md"))
        # the notebooks are executed, and fail, where the site is built
        if not {"_build", "generated", "notebooks"} & set(page.relative_to(DOCS).parts)
    ),
]
EVERY_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT)).removesuffix(".md")
)
# What is run, what it prints, what is typed on a machine with nothing, what is data, and R, which
# not everybody has.
LANGUAGES = {CODE, CELL, "text", "console", "bash", "bibtex", "r"}
LANGUAGES |= {
    "{every-name}",
    "{toctree}",
    "{include}",
    "{literalinclude}",
    "{csv-table}",
    "{eval-rst}",
}

CITATION = re.compile(r"docs/mathematics\.md,\s+equations?\s+((?:\(\d+\)|,|\s|and|to)+)")


@EVERY_PAGE
def test_no_block_escapes_these_tests(page):
    text = page.read_text(encoding="utf-8")
    languages = [block.language for block in blocks(text)]
    assert set(languages) <= LANGUAGES
    assert CELL not in languages or "\nfile_format: mystnb\n" in text, "cells that nobody executes"
    assert (CELL, "text") not in pairwise(languages), "what a cell prints is there already"
    between = FENCE.sub("", text)
    assert "```" not in between, "a block without a language"
    assert re.findall(r"^\n    .+$", between, re.M) == [], "a block by indentation"


@EVERY_PAGE
def test_code_runs_and_prints_what_stands_below_it(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # half the time of a report; nobody looks at its pictures here
    monkeypatch.setattr("vifstats.plots.as_svg", lambda draw, **options: "<svg></svg>")
    for block, shown, printed in run(page):
        if shown is not None and not says_the_same(printed, shown.text):
            assert printed == shown.text, f"{page.name}, line {shown.line}"
        plt.close("all")
        assert block.text.strip()


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("r  1.0000\n", "r 0.9999\n", True),
        ("r 1.0000", "r 0.9998", False),
        ("age 432", "age 433", False),
        ("smallest 3.92e-16,", "smallest -3.12e-17,", True),
        ("p 0.05", "q 0.05", False),
        ("1.5e-03", "1.6e-03", True),
        ("1 2", "1", False),
    ],
)
def test_outputs_may_differ_in_the_last_digit_only(printed, shown, same):
    assert says_the_same(printed, shown) is same


@EVERY_PAGE
def test_links_lead_to_pages_and_headings(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        place, _, heading = link.partition("#")
        target = page.parent / place if place else page
        assert target.exists(), link
        assert not heading or heading in _anchors(target.read_text(encoding="utf-8")), link


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_equations_are_numbered_in_order_and_those_cited_exist():
    text = (DOCS / "mathematics.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"\\tag\{(\d+)\}", text)]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = {
        int(number)
        for module in (ROOT / "vifstats").rglob("*.py")
        for citation in CITATION.findall(module.read_text(encoding="utf-8"))
        for number in re.findall(r"\((\d+)\)", citation)
    }
    assert cited <= set(numbers)
    assert len(cited) > len(numbers) / 2


def test_every_public_name_has_a_place_in_the_api():
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md")]
    names = [name for page in pages for name in re.findall(r"^   ([\w.]+)$", page, re.M)]
    listed = {id(operator.attrgetter(name)(vifstats)) for name in names}
    named = [getattr(module, name) for module in public.MODULES for name in module.__all__]
    code = [thing for thing in named if inspect.isclass(thing) or inspect.isfunction(thing)]
    forgotten = [thing.__name__ for thing in code if id(thing) not in listed]
    assert not forgotten, f"no page of docs/api/ lists {forgotten}"
    assert len(listed) == len(names), "a name in two places"


def test_the_output_of_r_is_what_r_printed():
    page = (DOCS / "coming_from.md").read_text(encoding="utf-8")
    printed = (ROOT / "validation" / "oracles" / "coming_from" / "commands.txt").read_text("utf-8")
    before = [None, *blocks(page)]
    of_r = [
        block.text
        for earlier, block in zip(before, blocks(page), strict=False)
        if block.language == "text" and earlier.language == "text"
    ]
    assert len(of_r) >= 6
    assert [text for text in of_r if text not in printed] == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("regressions", ["clogit", "conditional logistic", "case-control", "logistic regression"]),
        (
            "competing_risks",
            ["Fine-Gray", "crr", "cumulative incidence", "competing risks", "multi-state"],
        ),
        ("mixed_models", ["mixed models", "lmer", "random effects", "multilevel", "REML"]),
        ("equations", ["IPTW", "propensity score", "doubly robust", "instrumental variables"]),
        ("edits", ["fragility", "fragility index", "tipping point"]),
        ("separation", ["Firth", "logistf", "frailty"]),
        ("curves", ["Kaplan-Meier", "log-rank test", "RMST"]),
        ("cox", ["coxph", "dfbeta", "delayed entry"]),
    ],
)
def test_pages_are_found_by_the_words_that_people_search(page, words):
    """What stands under keywords is in the index of the site's search."""
    text = (DOCS / "guide" / f"{page}.md").read_text(encoding="utf-8")
    (keywords,) = re.findall(r'^    keywords: "(.*)"$', text, re.M)
    assert [word for word in words if word not in keywords] == []


OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


@pytest.mark.parametrize("command", ["vifstats", "vifstats cox", "vifstats merge"])
def test_the_page_of_the_command_has_its_options(command, capsys):
    with pytest.raises(SystemExit):
        main([*command.split()[1:], "--help"])
    entries = re.findall(r"^  (-\S.*?)(?:  |$)", capsys.readouterr().out, re.M)
    page = (DOCS / "guide" / "command.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`-[^|]*)", _section(page, f"`{command}`"), re.M)
    told, there = [set(OPTION.findall(" ".join(lines))) for lines in (cells, entries)]
    assert told == there


def test_every_status_is_in_the_table():
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    told = set(re.findall(r'^\| "([^"]+)"', _section(page, "What `status` says"), re.M))
    properties = (Influence.status.func, TargetInfluence.status.fget)
    of_rows = re.findall(r'(?<!")"([^"\n]+)"(?!")', "".join(map(inspect.getsource, properties)))
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "vifstats").rglob("*.py"))
    undefined = re.findall(r'undefined ?= ?"([^"]+)"|"(survival stays above 1/2)"', sources)
    undefined = ["".join(either) for either in undefined]
    ((yes, no),) = re.findall(r'= "([^"]+)" if reached else "([^"]+)"', sources)
    # named in these properties, but no statuses: a method, and the name of the series
    assert told == {*of_rows, *undefined, yes, no} - {"newton", "status"}


def _section(page: str, title: str) -> str:
    """What stands below a heading of the second level."""
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_numbered_equations_are_drawn():
    """Sphinx puts ``split`` around what has a double backslash; MathJax numbers nothing in it."""
    text = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    numbered = [found for found in re.findall(r"\$\$(.*?)\$\$", text, re.S) if r"\tag" in found]
    assert len(numbered) > 60
    assert not [found for found in numbered if r"\\" in found], r"write \cr"


def test_the_page_of_the_command_names_what_regressions_do_not_have():
    """Options that only `vifstats cox` has are the list there; --penalty is of two of three."""
    (commands,) = [
        action.choices for action in command_parser()._actions if isinstance(action.choices, dict)
    ]
    cox, *regressions = (
        {long for long in commands[name]._option_string_actions if long.startswith("--")}
        for name in ("cox", *REGRESSIONS)
    )
    page = (DOCS / "guide" / "command.md").read_text(encoding="utf-8")
    items = re.findall(r"^- .*(?:\n  .*)*", _section(page, "Regressions"), re.M)
    told = {option for item in items for option in OPTION.findall(item)}
    assert told == cox - set.intersection(*regressions)
    assert set.union(*regressions) - cox == {"--outcome"}
    with_penalty = {name for name in REGRESSIONS if "--penalty" in commands[name].format_help()}
    assert with_penalty == {"logit", "poisson"}


LESSONS = sorted((DOCS / "notebooks").glob("*.md"))

# What code may import that comes with no bare vifstats, and the word that says how to get it.
NEEDED = {
    "dask": "dask",
    "delicatessen": "delicatessen",
    "firthmodels": "firth",
    "h5py": "data",
    "hypothesis": "hypothesis",
    "jax": "jax",
    "linearmodels": "linearmodels",
    "networkx": "graph",
    "polars": "polars",
    "pyarrow": "parquet",
    "sklearn": "scikit-learn",
    "sksurv": "scikit-survival",
    "surpyval": "surpyval",
    "survival": "survival",
    "torch": "torch",
}
BY_METHOD = {"_parquet(": "parquet", ".row_groups(": "parquet", ".to_excel(": "excel"}


@pytest.mark.parametrize("page", [*PAGES, *LESSONS], ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_says_before_its_code_what_it_needs(page):
    text = page.read_text(encoding="utf-8")
    code = [block.text for block in blocks(text) if block.language in (CODE, CELL)]
    imported = {
        module.split(".")[0]
        for module in re.findall(r"^ *(?:from|import) ([\w.]+)", "".join(code), re.M)
    }
    needed = {word for module, word in NEEDED.items() if module in imported}
    needed |= {word for call, word in BY_METHOD.items() if call in "".join(code)}
    before = text.partition(f"```{CELL}" if f"```{CELL}" in text else f"```{CODE}")[0]
    installed = re.findall(r"pip\s+install\s([^|`]+)`", before)
    words = {word for line in installed for word in re.findall(r"[\w-]+", line)}
    assert needed <= words, "say so in one line, with the `pip install` that brings it"


IN_A_LESSON = ["You need", "You will be able to", "Time", "Predict before you run", "As a notebook"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_lesson_says_what_is_asked_and_hints_before_it_answers(lesson):
    text = lesson.read_text(encoding="utf-8")
    head = text.partition("```{code-cell}")[0]
    assert re.findall(r"^\*([A-Z][\w ]+):\*", head, re.M) == IN_A_LESSON
    (minutes,) = re.findall(r"^\*Time:\* \d+ minutes(.*)$", head, re.M)
    before = text.split("```{code-cell} python\n:tags: [hide-cell]")[:-1]
    assert before and all(part.endswith("\n</details>\n\n") for part in before)
    exercises = re.findall(r"^\*\*(\d)\.\*\*", text.partition("\n## Exercises\n")[2], re.M)
    said = re.findall(r" for (one|two|three|four) exercise", minutes)
    assert said == [["one", "two", "three", "four"][len(exercises) - 1]] * bool(exercises)


def test_every_lesson_is_in_the_list_and_has_a_note_for_its_teacher():
    text = (DOCS / "learn.md").read_text(encoding="utf-8")
    listed = re.findall(r"^notebooks/(\w+)$", text, re.M)
    assert sorted(listed) == sorted(lesson.stem for lesson in LESSONS)
    numbers = [int(name.split("_")[0]) for name in listed]
    assert numbers == list(range(1, len(numbers) + 1))
    notes = text.partition("## Notes for instructors")[2].partition("\n## ")[0]
    named = re.findall(r"^- In ([\d and]+),", notes, re.M)
    assert [int(number) for part in named for number in part.split(" and ")] == numbers

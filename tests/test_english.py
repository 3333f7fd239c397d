"""Turns of phrase that stumbled readers, and must not come back where people read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent.parent
PAGES = [HERE / "README.md", *sorted((HERE / "docs").rglob("*.md"))]
WORDS = [*sorted((HERE / "vifstats" / "reporting").rglob("*.py"))]
WORDS += sorted((HERE / "vifstats" / "reporting").rglob("*.html"))
READ = [path for path in PAGES + WORDS if not {"_build", "generated"} & set(path.parts)]

# What stumbles, and what a reader expects.
PATTERNS = {
    r"\bof yours\b": "your own",
    r"\bwith(out)? a word\b": "automatically, by default",
    r"(?<!there )\b(is|are) no (sum|mean|minimum|accident)\b": "is not a",
    r"\bby a hair\b": "barely",
    r"\bin (more|few|fewer) hands\b": "more rows are needed",
    r"\bgood news\b": "what it means",
    r"\bby noun\b": "by topic",
    r"\b(method|it|they|vif`?|newton`?) tells?\b(?! (you|us|apart|from))": "estimates, predicts",
    r"\btells? too (little|much)\b": "underestimates, overestimates",
    r"\btold (well|less well|better)\b": "approximated",
    r"\bto get it again\b": "how to reproduce",
    r"\bwho pulls\b": "the most influential rows",
    r"\bis all about\b": "depends on",
    r"\bforgives\b": "is insensitive to",
    r"\bleaves a page\b": "writes a report",
    r"\bone more part\b": "a further term",
    r"\bthe others' fit\b": "the fit without the row",
    r"\b(such )?as of (Slurm|R)\b": "such as Slurm's",
    r"\bsome \d+ (times|minutes|%)": "about",
    r"\bnothing means anything\b|\bno number for it means anything\b": "cannot be estimated",
    r"\bwithout each removal\b": "after each removal",
    r"\bWhat you forget, a test tells\b": "a test names what you forget",
    r"\b(the|an?) [a-z]+ less (that|those|what)\b": "minus",
    r"\bwhat all of it comes to\b": "finally",
}


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(HERE)))
def test_patterns_do_not_return(path):
    text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
    found = {
        text[max(0, at.start() - 40) : at.end() + 20]: better
        for pattern, better in PATTERNS.items()
        for at in re.finditer(pattern, text, re.IGNORECASE)
    }
    assert not found

"""Pages of the documentation as what they are made of: blocks of code, and what they print."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from vifstats.cli.command import main

# The options of a cell stand between two lines of three dashes.
OPTIONS = r"(?:---\n(?:(?:  [^\n]*|\w+:[^\n]*)\n)+---\n)?"
FENCE = re.compile(
    rf"^(?P<fence>```+)(?P<language>\S+)[^\n]*\n{OPTIONS}(?P<text>.*?)^(?P=fence)$", re.M | re.S
)
# Cells are executed where the site is built, which ends at an error or a warning of one.
CODE, CELL = "python", "{code-cell}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
# Below this a number is what rounding left of 0, and another on another processor.
ROUNDING = 1e-12


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line on which the text begins."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(found["language"], found["text"], 1 + page.count("\n", 0, found.start("text")))
        for found in FENCE.finditer(page)
    ]


def run(path: Path) -> Iterator[tuple[Block, Block | None, str]]:
    """Run the code of a page in order, in one namespace; but for its cells.

    Yields
    ------
    block : Block
        Of code, or a console with one command.
    shown : Block or None
        The output that the page claims, if any.
    printed : str
        The output that there is.
    """
    found = blocks(path.read_text(encoding="utf-8"))
    names: dict = {"__name__": "__main__"}  # as in a script
    for block, after in zip(found, [*found, None][1:], strict=True):
        if block.language == CODE:
            shown = after if after is not None and after.language == "text" else None
            yield block, shown, _printed(block, path, names)
        elif block.language == "console":
            command, output = block.text.split("\n", 1)
            shown = block._replace(text=output, line=block.line + 1)
            yield block, shown, _answer(command)


def says_the_same(printed: str, shown: str) -> bool:
    """Whether two outputs have the same words, and numbers the same but for their last digit.

    The order of sums, and so the last bits, differ between processors: a number that lies between
    two roundings is printed as either. Nothing else may differ but the width of columns.
    """
    words = [" ".join(NUMBER.sub("#", text).split()) for text in (printed, shown)]
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=False)
    return words[0] == words[1] and all(_close(a, b) for a, b in pairs)


def _close(a: str, b: str) -> bool:
    if a == b or max(abs(float(a)), abs(float(b))) < ROUNDING:
        return True
    units = [10.0 ** Decimal(text).as_tuple().exponent for text in (a, b)]
    # whole numbers are counts, and have no last digit to differ in
    return max(units) < 1 and abs(float(a) - float(b)) < 1.5 * max(units)


def _printed(block: Block, path: Path, names: dict) -> str:
    # a syntax tree with the line numbers of the page, so that a traceback points there
    tree = ast.increment_lineno(ast.parse(block.text, str(path)), block.line - 1)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(tree, str(path), "exec"), names)
    return output.getvalue()


def _answer(command: str) -> str:
    program, *arguments = command.removeprefix("$ ").split()
    assert program == "vifstats", f"{command} is no command of ours"
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert main(arguments) == 0
    return output.getvalue()

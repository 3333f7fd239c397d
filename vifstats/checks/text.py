"""Text of the user, made safe for its destination: nothing in it acts, and nothing is lost."""

import re
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["inert", "inert_frame", "legible", "quoted"]

# Characters that control a terminal, a browser or an XML parser, or reverse the text that follows;
# and halves of characters, which cannot be encoded.
ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\ud800-\udfff]"
)
# The characters with which a formula begins in a spreadsheet, also behind quotes.
FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def legible(text: str, keep: str = "") -> str:
    r"""The text with active characters written out as in Python; those to `keep` stay.

    Examples
    --------
    >>> print(legible("dose\x0b(mg)\x1b[2J"))
    dose\x0b(mg)\x1b[2J
    """
    return ACTING.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def quoted(label: Any) -> str:
    """A value as Python writes it; NumPy's numbers and texts as the user wrote them.

    Examples
    --------
    >>> print(quoted(np.int64(7)), quoted(np.str_("b")), quoted("b"))
    7 'b' 'b'
    """
    return repr(label.item() if isinstance(label, np.generic) else label)


def inert(value: Any) -> Any:
    """A label with a quote before it if a spreadsheet would run it; numbers stay numbers.

    Examples
    --------
    >>> inert("=cmd()"), inert("-5.5"), inert("'=cmd()")
    ("'=cmd()", '-5.5', "''=cmd()")
    """
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else value


def inert_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose labels and columns are `inert`; the same one where they are."""
    return frame.set_axis(_inert_labels(frame.index)).set_axis(_inert_labels(frame.columns), axis=1)


def _inert_labels(labels: pd.Index) -> pd.Index:
    """The same labels where all of them are inert."""
    if isinstance(labels, pd.MultiIndex):
        return labels.set_levels([_inert_labels(level) for level in labels.levels])
    found = [inert(label) for label in labels]
    if found == list(labels):
        return labels
    return pd.Index(found, name=labels.name, dtype=object)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _is_formula(text: str) -> bool:
    if not FORMULA.match(text):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return text.strip() != text  # a number, but behind a tab

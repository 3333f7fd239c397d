"""What it is called that an object is absent: a row left out, or a row edited."""

from dataclasses import dataclass

__all__ = ["EDITED", "LEFT_OUT", "Wording"]


@dataclass(frozen=True)
class Wording:
    """Words for results: of many objects, of one, of one by its label, of a set, and the past."""

    many: str
    one: str
    named: str
    together: str
    past: str


LEFT_OUT = Wording("removals", "without the row", "without {}", "without the set", "removed")
EDITED = Wording("edits", "with the row edited", "with {} edited", "with the edits", "edited")

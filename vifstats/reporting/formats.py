"""Numbers as a reader wants them: few digits, a true minus sign, never 1.23e-05 %."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeGuard

from vifstats.checks.disclosure import FEWEST

__all__ = [
    "capital",
    "change",
    "coefficient",
    "count",
    "counted",
    "effect",
    "fixed",
    "limit",
    "listed",
    "many",
    "p_value",
    "percent",
    "places",
    "plural",
    "ratio",
    "short",
    "significant",
    "some",
]

SMALLEST_P = 0.001
LARGEST_FIXED = 1e5
LARGEST_COUNTED = 1e9
MOST_PLACES = 4
MINUS = "\N{MINUS SIGN}"
INFINITY = "\N{INFINITY}"
UNKNOWN = "\N{EN DASH}"
P_IS = "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
PERCENT = "\N{NO-BREAK SPACE}%"
IRREGULAR = {
    "child": "children",
    "person": "people",
    "ratio of means": "ratios of means",
    "ratio_of_means": "ratios_of_means",
}


def ratio(value: float | None) -> str:
    """A ratio, three decimals below 10.

    Examples
    --------
    >>> ratio(0.6842), ratio(12.345), ratio(None)
    ('0.684', '12.3', '–')
    """
    if not _known(value):
        return UNKNOWN
    if value >= 10000 or 0 < value < 0.001:
        return f"{value:.1e}"
    return f"{value:.{3 if value < 10 else 1 if value < 1000 else 0}f}"


def coefficient(value: float | None) -> str:
    """A coefficient of any size, four significant digits.

    Examples
    --------
    >>> coefficient(-0.0123456), coefficient(0.0)
    ('−0.01235', '0')
    """
    return _signed(f"{value:.4g}") if _known(value) else UNKNOWN


def effect(value: float | None, decimals: int | None) -> str:
    """An effect with the decimals of its column, four significant digits where those say nothing.

    Examples
    --------
    >>> effect(0.68426, 3), effect(-0.5, 2), effect(0.00002, 3), effect(1e7, 1)
    ('0.684', '−0.50', '2e-05', '1e+07')
    """
    if not _known(value):
        return UNKNOWN
    in_sight = value == 0 or 0.5 * 10.0 ** -(decimals or 0) <= abs(value) < LARGEST_FIXED
    return fixed(value, decimals) if decimals is not None and in_sight else coefficient(value)


def significant(value: float | None) -> str:
    """A positive number of a column, three significant digits, zeros kept.

    Examples
    --------
    >>> significant(0.021), significant(0.0)
    ('0.0210', '0')
    """
    if not _known(value):
        return UNKNOWN
    return f"{value:#.3g}" if 1e-4 <= abs(value) < 100 else f"{value:.3g}"


def short(value: float | None) -> str:
    """Anything else, three significant digits.

    Examples
    --------
    >>> short(0.98765), short(12345.6), short(-2e33)
    ('0.988', '12346', '−2e+33')
    """
    if not _known(value):
        return UNKNOWN
    whole = 1000 <= abs(value) < LARGEST_COUNTED
    return _signed(f"{value:.0f}" if whole else f"{value:.3g}")


def places(values: Iterable[float | None]) -> int:
    """How many decimals a column needs for three digits of each number, at most four.

    Examples
    --------
    >>> places([11.9, 5.65, 12.0]), places([1, 0]), places([0.0463, 0.00806])
    (2, 0, 4)
    """
    texts = [short(value) for value in values if _known(value)]
    return min(MOST_PLACES, max((len(t.partition(".")[2].split("e")[0]) for t in texts), default=0))


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals.

    Examples
    --------
    >>> fixed(0.98765, 2)
    '0.99'
    """
    return _signed(f"{value:.{decimals}f}") if _known(value) else UNKNOWN


def percent(value: float | None) -> str:
    """A percentage without its sign, one decimal, two digits where that would show nothing.

    Examples
    --------
    >>> percent(-4.123), percent(0.01234), percent(250.3)  # with a space that does not break
    ('4.1\\xa0%', '0.012\\xa0%', '250\\xa0%')
    >>> percent(3.14e133)
    '3.1e+133\\xa0%'
    """
    if not _known(value):
        return UNKNOWN
    size = abs(value)
    if size >= 100:
        return f"{size:.0f}{PERCENT}" if size < LARGEST_COUNTED else f"{size:.2g}{PERCENT}"
    digits = f"{size:.1f}" if size >= 0.05 or size == 0 else f"{size:.2g}"
    return f"{digits}{PERCENT}"


def change(value: float | None) -> str:
    """A signed percentage.

    Examples
    --------
    >>> change(4.123), change(-4.123)
    ('+4.1\\xa0%', '−4.1\\xa0%')
    """
    if not _known(value):
        return UNKNOWN
    return f"{'+' if value >= 0 else MINUS}{percent(value)}"


def p_value(value: float | None) -> str:
    """A p-value, three decimals, one more where it is next to 0.05.

    Examples
    --------
    >>> p_value(0.0468), p_value(1e-9), p_value(0.0502)
    ('0.047', '<0.001', '0.0502')
    """
    if not _known(value):
        return UNKNOWN
    if value < SMALLEST_P:
        return f"<{SMALLEST_P}"
    return f"{value:.4f}" if f"{value:.3f}" == "0.050" else f"{value:.3f}"


def count(value: int) -> str:
    """A number of things.

    Examples
    --------
    >>> count(100000)
    '100,000'
    """
    return f"{value:,}"


def plural(n: int, noun: str) -> str:
    """So many things.

    Examples
    --------
    >>> plural(1, "row"), plural(3, "subject"), plural(2, "woman")
    ('1 row', '3 subjects', '2 women')
    """
    return f"1 {noun}" if n == 1 else f"{count(n)} {many(noun)}"


def some(n: int | None, noun: str, *, rounded: bool = False) -> str:
    """So many things, also where few are not counted: None is fewer than five of them, or none.

    Examples
    --------
    >>> some(12, "row"), some(170, "row", rounded=True), some(None, "row")
    ('12 rows', 'about 170 rows', 'fewer than 5 rows, or none,')
    """
    if n is None:
        return f"fewer than {FEWEST} {many(noun)}, or none,"
    return f"{'about ' if rounded else ''}{plural(n, noun)}"


def counted(n: int | None) -> str:
    """A number of things, where few are not counted.

    Examples
    --------
    >>> counted(60), counted(None)
    ('60', 'fewer than 5')
    """
    return f"fewer than {FEWEST}" if n is None else count(n)


def capital(text: str) -> str:
    """A text as the start of a sentence.

    Examples
    --------
    >>> capital("fewer than 5 rows")
    'Fewer than 5 rows'
    """
    return f"{text[:1].upper()}{text[1:]}"


def listed(names: Sequence[str], word: str) -> str:
    """Names as a sentence has them.

    Examples
    --------
    >>> listed(["age", "sex", "race"], "and"), listed(["age"], "or")
    ('age, sex and race', 'age')
    """
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else str(last)


def limit(goes: str, ratio: bool) -> str:
    """An effect that cannot be estimated, by the end to which its coefficient goes.

    Examples
    --------
    >>> limit("-", True), limit("+", True), limit("-", False)
    ('0', '∞', '−∞')
    """
    if goes == "-" and ratio:
        return "0"
    return {"-": f"{MINUS}{INFINITY}", "+": INFINITY}.get(goes, UNKNOWN)


def many(noun: str) -> str:
    """More than one of a thing, as English mostly has it.

    Examples
    --------
    >>> many("study"), many("child"), many("day")
    ('studies', 'children', 'days')
    """
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith("man"):
        return f"{noun[:-3]}men"
    return f"{noun[:-1]}ies" if noun[-1:] == "y" and noun[-2:-1] not in "aeiou" else f"{noun}s"


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _signed(text: str) -> str:
    return text.replace("-", MINUS) if text.startswith("-") else text

"""What results have in common: a table, shown short, and written to where people need it."""

import re
from collections.abc import Callable
from html import escape
from importlib.util import find_spec
from inspect import signature
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

from vifstats import checks
from vifstats.checks.text import inert, inert_frame, legible
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.typing import ToFile

__all__ = ["Tabular", "largest_first", "short"]

# Lines and columns of a table that is shown; the rest is in `table`.
LINES, COLUMNS, WIDTH = 16, 12, 80
# Sentences are read, and copied, on one line where that is not much longer.
HEADING = 100
SMALLEST_P = 0.001


class Tabular:
    """A result with a `table`, a DataFrame; of a subclass also `_heading`, the lines above it."""

    if TYPE_CHECKING:  # a field of some results, and computed by others

        @property
        def table(self) -> pd.DataFrame:
            """The result as a table."""

    def to_frame(self) -> pd.DataFrame:
        """A copy of `table`."""
        return self.table.copy()

    def top(self, n: int = 10, by: Any = None) -> pd.DataFrame:
        """The n lines of `table` that are largest in one column, by the absolute value.

        Of a table without numbers, the first n.

        Parameters
        ----------
        n : int
        by : str, optional
            The column; default the one that matters most.

        Returns
        -------
        DataFrame
        """
        n, table = checks.whole_number(n, "n"), self.table
        numeric = list(table.select_dtypes("number").columns)
        if by is None and not numeric:
            return table.head(n)
        column = checks.one_of(self._leading(numeric) if by is None else by, numeric, "by")
        return table.iloc[largest_first(table[column].to_numpy(dtype=float))[:n]]

    def to_csv(self, path: ToFile | None = None, **options: Any) -> str | None:
        """Write `table` as CSV, or return it as text where no path is given.

        Parameters
        ----------
        path : str, path or open file, optional
        **options
            Of pandas' ``DataFrame.to_csv``.

        Returns
        -------
        str or None

        Notes
        -----
        A label or name that a spreadsheet would run as a formula has a quote before it; write
        ``to_frame().to_csv()`` to have it as it is.
        """
        frame = _inert_cells(inert_frame(self.to_frame()))
        how = {"errors": "backslashreplace", **options}
        text: str | None = _written(frame.to_csv, path, how, options)
        return text

    def to_latex(self, path: ToFile | None = None, **options: Any) -> str | None:
        """The table for a paper in LaTeX (booktabs), or written to a file.

        Parameters
        ----------
        path : str, path or open file, optional
        **options
            Of pandas' ``DataFrame.to_latex``, such as caption and label.

        Returns
        -------
        str or None
        """
        cells, labels = _paper_cells(self._for_paper())
        form = "l" * labels + "r" * (cells.shape[1] - labels)
        how = {"index": False, "escape": True, "column_format": form, **options}
        text: str | None = _written(cells.to_latex, path, how, options)
        return text

    def to_markdown(self) -> str:
        """The table for a paper in Markdown.

        Returns
        -------
        str
        """
        cells, labels = _paper_cells(self._for_paper())
        ruler = ["---"] * labels + ["---:"] * (cells.shape[1] - labels)
        lines = [list(cells.columns), ruler, *cells.to_numpy().tolist()]
        return "\n".join("| " + " | ".join(map(_in_a_pipe, line)) + " |" for line in lines)

    def to_excel(self, path: ToFile, **options: Any) -> None:
        """Write the table for a paper, its numbers unrounded, to an Excel file.

        Parameters
        ----------
        path : str, path or open file
        **options
            Of pandas' ``DataFrame.to_excel``.

        Raises
        ------
        InvalidInputError
            If openpyxl, the extra ``excel``, is not installed.
        """
        if find_spec("openpyxl") is None:
            raise InvalidInputError(
                "Excel files need openpyxl, which is not installed; pip install 'vifstats[excel]', "
                "or write to_csv()."
            )
        frame = _legible_cells(inert_frame(_inert_cells(_flat(self._for_paper()))))
        if path is None:
            raise InvalidTypeError("`path` must say where to write, but is None; name a file.")
        _written(frame.to_excel, path, {"index": False, **options}, options)

    def _heading(self) -> list[str]:
        """What is said above the table."""
        return [type(self).__name__]

    def _shown(self) -> pd.DataFrame:
        """The part of the table that is shown."""
        return self.table

    def _for_paper(self) -> pd.DataFrame:
        """The table that goes into a paper."""
        return self.table

    def _leading(self, numeric: list[str]) -> str:
        """Which of the numeric columns orders the lines."""
        return numeric[0]

    def __repr__(self) -> str:
        shown = self._shown()
        lines = [part for line in self._heading() for part in _wrapped(legible(line))]
        if len(shown) and shown.shape[1]:
            cells = _cells(shown.head(LINES))
            with pd.option_context("display.unicode.east_asian_width", True):
                text = cells.to_string(max_cols=COLUMNS, line_width=WIDTH)
            lines += [line.rstrip() for line in text.splitlines()]
            lines += _the_rest(shown)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        # without colours of its own: those of the notebook's theme, light or dark
        shown = self._shown()
        heading = "<br>".join(escape(legible(line).strip()) for line in self._heading())
        parts = [f"<p>{heading}</p>"]
        if len(shown) and shown.shape[1]:
            with pd.option_context("display.max_colwidth", None):
                cells = _cells(shown.head(LINES))
                parts.append(cells.to_html(border=0, max_cols=COLUMNS, justify="right"))
            parts += [f"<p>{escape(line)}</p>" for line in _the_rest(shown)]
        return f"<div>{''.join(parts)}</div>"


def largest_first(values: np.ndarray) -> np.ndarray:
    """Positions by absolute value, the largest first, ties in their order and nan last: (n,)."""
    return np.argsort(-np.nan_to_num(np.abs(values), nan=-1.0), kind="stable")


def short(value: Any, column: Any = "") -> str:
    """A cell as a reader wants it: four significant digits, of p-values no more than they tell.

    Examples
    --------
    >>> short(0.123456), short(12), short(1e-9, "p_value"), short(float("nan"))
    ('0.1235', '12', '<0.001', '')
    """
    if not isinstance(value, float | np.floating):
        return legible(str(value))
    if np.isnan(value):
        return ""
    if _is_p(column):
        decimals = 4 if f"{value:.3f}" == "0.050" else 3
        return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.{decimals}f}"
    return f"{value:.4g}"


def _written(write: Callable, path: Any, how: dict[str, Any], options: dict[str, Any]) -> Any:
    """What a method of pandas returns; what it does not know is said in our words."""
    if path is not None:
        checks.file_target(path, "path")
    known = signature(write).parameters
    if unknown := [name for name in options if name not in known]:
        raise InvalidInputError(
            f"Options must be those of pandas' {write.__name__}, but {unknown} are none; leave "
            "them out."
        )
    try:
        return write(path, **how)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Options must be as pandas' {write.__name__} takes them, but {options} with "
            f"`path`={path!r:.60} are not ({error}); see its documentation."
        ) from error


def _wrapped(line: str) -> list[str]:
    """A line in as many as its length needs."""
    return wrap(line, HEADING, subsequent_indent="    ", break_long_words=False) or [line]


def _is_p(column: Any) -> bool:
    name = str(column[-1] if isinstance(column, tuple) else column)
    return name == "p" or name.startswith(("p_", "p "))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as text, by position, since names may occur twice."""
    cells = {k: [short(v, name) for v in frame.iloc[:, k]] for k, name in enumerate(frame.columns)}
    index, columns = (_legible_labels(labels) for labels in (frame.index, frame.columns))
    return pd.DataFrame(cells, index=frame.index).set_axis(columns, axis=1).set_axis(index, axis=0)


def _legible_labels(labels: pd.Index) -> pd.Index:
    if isinstance(labels, pd.MultiIndex):
        texts = [tuple(map(_label, label)) for label in labels]
        return pd.MultiIndex.from_tuples(texts, names=labels.names)
    return pd.Index([_label(label) for label in labels], name=labels.name, dtype=object)


def _label(label: Any) -> Any:
    return legible(label) if isinstance(label, str) else label


def _the_rest(shown: pd.DataFrame) -> list[str]:
    """A line on what is not shown."""
    return [f"... all {len(shown):,} lines in .table"] if len(shown) > LINES else []


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose labels are columns, and whose columns have one level."""
    columns = [_joined(column) for column in frame.columns]
    names = [name if name is not None else "" for name in frame.index.names]
    labels = [pd.Series(frame.index.get_level_values(k), dtype=object) for k in range(len(names))]
    values = [frame.iloc[:, k].reset_index(drop=True) for k in range(frame.shape[1])]
    flat = pd.concat([*labels, *values], axis=1)
    return flat.set_axis([*map(str, names), *columns], axis=1)


def _joined(column: Any) -> str:
    return ", ".join(map(str, column)) if isinstance(column, tuple) else str(column)


def _paper_cells(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The table of a paper as text, and how many of its columns are labels."""
    cells = _cells(_flat(frame))
    return cells.set_axis([name.replace("_", " ") for name in cells.columns], axis=1), (
        frame.index.nlevels
    )


# What Markdown takes for a sign: of a tag, an entity, emphasis, code, a link, or of a cell's end.
MARKDOWN = re.compile(r"[\\|`*\[\]$~]|<(?=[A-Za-z/!?])|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])")


def _in_a_pipe(cell: str) -> str:
    return MARKDOWN.sub(r"\\\g<0>", cell)


def _inert_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would run have a quote before them."""
    columns = [
        frame.iloc[:, k].map(inert) if is_object_dtype(frame.dtypes.iloc[k]) else frame.iloc[:, k]
        for k in range(frame.shape[1])
    ]
    return pd.concat(columns, axis=1) if columns else frame


def _legible_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts, and names of columns, without characters that a file of XML cannot hold."""
    return frame.map(_label).set_axis(_legible_labels(frame.columns), axis=1)

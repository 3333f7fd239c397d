"""The numbers of README and docs/: blocks that are written from the results, never by hand.

A block stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. NAME is one of `BLOCKS`,
or ``experiment NAME`` for the tables of an experiment as they are on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from validation import paper
from validation.experiment import Bound, Record
from validation.experiments import EXPERIMENTS, table2_seconds
from validation.page import shown

__all__ = ["BLOCKS", "documents", "rewritten", "write"]

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- generated: ([^>]+?) -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)
# Data of which anyone can do all refits.
SMALL = ("rossi", "lung")
Records = Mapping[str, Record]


def write(records: Records) -> list[Path]:
    """Write every block anew, and return the files that changed."""
    changed = []
    for file in documents():
        before = file.read_text(encoding="utf-8")
        after = rewritten(before, records)
        if after != before:
            file.write_text(after, encoding="utf-8")
            changed.append(file)
    return changed


def documents() -> Iterator[Path]:
    """README and the pages of docs/ that are kept."""
    yield ROOT / "README.md"
    for file in sorted((ROOT / "docs").rglob("*.md")):
        if "_build" not in file.parts:
            yield file


def rewritten(text: str, records: Records) -> str:
    """The text with its blocks as the results have them."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{_block(found[2], records)}\n{found[4]}", text)


def _block(name: str, records: Records) -> str:
    kind, _, rest = name.partition(" ")
    if kind == "experiment":
        return _of_experiment(rest, records)
    return BLOCKS[name](records)


def _of_experiment(name: str, records: Records) -> str:
    """Every table with its caption."""
    tables = EXPERIMENTS[name].tables(records[name])
    return "\n\n".join(
        f"{table.caption}:\n\n{_markdown(table.heads, table.rows)}" for table in tables
    )


def _accuracy(records: Records) -> str:
    """How IF, VIF and the Newton step agree with refits in the experiments of the paper."""
    rows = []
    for data, ties in (("METABRIC", "Efron"), ("SUPPORT", "Efron")):
        one = records["table1_cox"].numbers[f"{data}, {ties.lower()}"]
        methods = one["methods"]
        rows.append(
            [
                f"Cox, {data}, {one['rows']} rows",
                _digits(methods["if"]["pearson"]),
                *_three(methods["vif"], "slope", "largest_relative_error"),
                *_three(methods["newton"], "slope", "largest_relative_error")[:1],
                paper.PEARSON[data],
            ]
        )
    club = records["karate"].numbers["expected walks, ridge 1"]["methods"]
    rows.append(
        [
            "node embedding, Karate, 34 nodes",
            "",  # half a node has no meaning
            *_three(club["vif"], "slope", "largest_relative_error"),
            f"{club['vif and 2 trust-region steps']['pearson']:.3f} (2 steps)",
            paper.PEARSON["Karate"],
        ]
    )
    for name, data, published in (
        ("ranking_delicious", "Delicious", paper.PEARSON["Delicious"]),
        ("ranking_rcv1", "RCV1 subset 1", f"{paper.PEARSON['Mediamill']} (Mediamill)"),
    ):
        found = records[name].numbers["ListMLE"]
        newton, classical = found.get("newton"), found.get("if")
        rows.append(
            [
                f"ListMLE, {data}, {found['objects']} items",
                "" if classical is None else _digits(classical["all"]["pearson"]),
                *_three(found["vif"]["all"], "slope_of_all", "largest_error_of_all"),
                "" if newton is None else _digits(newton["all"]["pearson"]),
                published,
            ]
        )
    heads = ["loss, data", "`if`: Pearson", "`vif`: Pearson", "slope", "largest error"]
    return _markdown([*heads, "`newton`: Pearson", "paper, vif: Pearson"], rows)


def _three(figures: Mapping[str, float], slope: str, error: str) -> list[str]:
    return [_digits(figures["pearson"]), f"{figures[slope]:.3f}", f"{figures[error]:.3f}"]


def _digits(pearson: float) -> str:
    """Down, never up: 0.99996 is not 1.0000."""
    return f"{int(pearson * 1e5) / 1e5:.5f}"


def _speed(records: Records) -> str:
    """Seconds of the Cox models of the paper."""
    record = records["table2_seconds"]
    rows = []
    for data, sizes in record.numbers.items():
        seconds = {way: record.seconds[f"{data}: {way}"] for way in ("vif", "newton", "refits")}
        one_by_one = record.seconds[f"{data}: warm-started Newton refits, one by one"]
        rows.append(
            [
                f"{data}, {sizes['rows']} x {sizes['covariates']}",
                *(_seconds(value) for value in (*seconds.values(), one_by_one)),
                _seconds(paper.SECONDS_VIF[data]),
                _seconds(paper.SECONDS_REFITS[data]),
                f"{table2_seconds.ratios(record, data)['published vif']:.0f}",
            ]
        )
    heads = ["data", "`vif`", "`newton`", "exact refits", "refits one by one"]
    more = ["paper: vif", "paper: refits", "vif, times faster than the paper's"]
    cpu, cores = record.machine.get("cpu", "unknown"), record.machine.get("cores", "?")
    return f"{_markdown([*heads, *more], rows)}\n\nOne thread of {cpu}, {cores} cores."


def _five_minutes(records: Records) -> str:
    """Where IF is enough, where VIF is needed, and where neither is, with the figures."""
    support = records["table1_cox"].numbers["SUPPORT, efron"]
    r = {name: _digits(found["pearson"]) for name, found in support["methods"].items()}
    controls = records["matched_sets"].numbers["1:1"]
    slopes = [controls[name]["of controls"]["slope"] for name in ("IF", "VIF")]
    frailty = records["where_if_fails"].numbers["gamma frailty, patients"]
    rs = [f"{frailty[name]['pearson']:.3f}" for name in ("IF", "VIF", "truncated")]
    return f"""\
- **IF is enough** for regressions, and for a Cox model with many people at risk. On SUPPORT,
  {support["rows"]} patients, IF correlates with refits to {r["if"]} and VIF to {r["vif"]}. What
  remains is the Hessian; a Newton step takes it without the row: {r["newton"]}.
- **VIF is needed** where few others are present: matched sets, late event times with few people at
  risk, items of a short list. Without a control of a pair the estimate changes by {slopes[0]:.2f}
  times what IF says, and {slopes[1]:.2f} times what VIF says (below).
- **Neither is enough** where the loss curves away before the new minimum is reached: frailty (IF
  {rs[0]}, VIF {rs[1]}), variance components, embeddings. Two truncated steps are (frailty
  {rs[2]}), or a refit."""


def _methods(records: Records) -> str:
    """How far each method is from refits, over all rows and coefficients together."""
    agreement = records["peers"].numbers["agreement"]
    costs = {
        "vif": "one solve for all rows",
        "if": "the same",
        "newton": "one small solve per row",
    }
    rows = [
        [
            f"`{method}`",
            *(f"{100 * agreement[data][method]['relative_error']:.0f} %" for data in SMALL),
            cost,
        ]
        for method, cost in costs.items()
    ]
    rows.append(["`refit`", *("0" for _ in SMALL), "some small solves per row"])
    return _markdown(["", *(f"*{data}*" for data in SMALL), "cost"], rows)


def _promises(records: Records) -> str:
    """How many bounds are met, and each one that is not; then a line for each experiment."""
    found = {
        name: EXPERIMENTS[name].bounds(record)
        for name, record in records.items()
        if name in EXPERIMENTS
    }
    bounds = [(name, bound) for name, some in found.items() for bound in some]
    short = [(name, bound) for name, bound in bounds if not bound.met]
    lines = [f"{len(bounds) - len(short)} of {len(bounds)} promises are kept."]
    lines += [
        f"**Not kept** is, in `{name}`: {bound.what} is {bound.value:.4g}, and was promised to be "
        f"{'at least' if bound.least else 'at most'} {bound.limit:g}."
        for name, bound in short
    ]
    rows = [[f"`{name}`", EXPERIMENTS[name].title, _kept(some)] for name, some in found.items()]
    table = _markdown(["experiment", "what was asked", "promises kept"], rows)
    return "\n\n".join([*lines, table])


def _kept(bounds: Sequence[Bound]) -> str:
    return f"{sum(bound.met for bound in bounds)} of {len(bounds)}" if bounds else "none made"


def _seconds(value: float) -> str:
    if value >= 120:
        return f"{value / 60:.0f} min"
    return f"{value:.2g} s" if value >= 0.1 else f"{1000 * value:.2g} ms"


def _karate_steps(records: Records) -> str:
    """Pearson with refits of each way to go on from vif, by ridge."""
    numbers = records["karate"].numbers
    by_ridge = [numbers[f"expected walks, ridge {ridge}"] for ridge in (1, 3)]
    rows = [
        ["`vif`", *(f"{one['methods']['vif']['pearson']:.3f}" for one in by_ridge)],
        [
            "`vif`, nodes 0, 25 and 33 left out",
            *(f"{one['vif_without_nodes_0_25_33']['pearson']:.3f}" for one in by_ridge),
        ],
        [
            "`newton_step(guard=True)`",
            *(f"{one['methods']['newton, guarded']['pearson']:.3f}" for one in by_ridge),
        ],
        [
            "`truncated_refits`, 1 / 2 / 3 steps",
            *(
                " / ".join(
                    f"{one['methods'][f'vif and {k} trust-region steps']['pearson']:.3f}"
                    for k in (1, 2, 3)
                )
                for one in by_ridge
            ),
        ],
    ]
    return _markdown(
        ["Karate, Pearson with exact refits, mean over 1156 pairs", "ridge 1", "ridge 3"], rows
    )


def _solvers(kind: str) -> Callable[[Records], str]:
    """Seconds and errors of every solver, by the number of parameters."""

    def block(records: Records) -> str:
        sizes = {size: records[f"solvers_{size}"] for size in (1_000, 10_000, 100_000)}
        names: dict[str, None] = {}
        for record in sizes.values():
            names |= dict.fromkeys(record.numbers[kind]["solvers"])
        rows = [
            [name, *(_solver(record, kind, name) for record in sizes.values())] for name in names
        ]
        return _markdown([f"{kind}: seconds, error", *(f"{s:,}" for s in sizes)], rows)

    return block


def _solver(record: Record, kind: str, name: str) -> str:
    found = record.numbers[kind]["solvers"].get(name)
    if found is None:
        return "-"
    return f"{record.seconds[f'{kind}: {name}']:.2g} s, {found['relative_error']:.1g}"


def _markdown(heads: Any, rows: Any) -> str:
    cells = [[str(head) for head in heads], ["---"] * len(heads)]
    cells += [[_cell(value) for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(value: Any) -> str:
    text = shown(value).replace("|", "\\|")
    return "<br>".join(f"`{line}`" for line in text.split("\n")) if "\n" in text else text


BLOCKS: dict[str, Callable[[Records], str]] = {
    "accuracy": _accuracy,
    "speed": _speed,
    "methods": _methods,
    "promises": _promises,
    "five minutes": _five_minutes,
    "karate steps": _karate_steps,
    "solvers embedding": _solvers("embedding"),
    "solvers logistic": _solvers("wide logistic regression"),
}

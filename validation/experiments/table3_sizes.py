"""Table 3: the sizes of the data."""

from __future__ import annotations

from typing import Any

from validation import fits
from validation.experiment import Clock, Experiment, Record, Table
from vifstats.datasets import load_delicious, load_karate, load_rcv1


def run(clock: Clock) -> dict[str, Any]:
    """Counted, not copied."""
    club = load_karate()
    found: dict[str, Any] = {"Karate": {"nodes": len(club), "edges": club.number_of_edges()}}
    for name, survival in (("METABRIC", fits.metabric()), ("SUPPORT", fits.support())):
        found[name] = {
            "training rows": len(survival.X),
            "test rows": len(survival.X_test),
            "covariates": survival.X.shape[1],
            "events": int(survival.event.sum()),
            "tied events": survival.tied_events,
        }
    for name, load in (("Delicious", load_delicious), ("RCV1 subset 1", load_rcv1)):
        data = load()
        found[name] = {
            "rows": data.X.shape[0],
            "features": data.X.shape[1],
            "labels": data.Y.shape[1],
            "labels given": int(data.Y.nnz),
            "test rows": 0 if data.is_test is None else int(data.is_test.sum()),
        }
    return found


def tables(record: Record) -> list[Table]:
    """One line for each data set."""
    rows = [
        [name, ", ".join(f"{count:,} {what}" for what, count in sizes.items() if count)]
        for name, sizes in record.numbers.items()
    ]
    return [Table("Sizes", ["data", ""], rows)]


EXPERIMENT = Experiment(
    name="table3_sizes",
    title="Table 3: sizes",
    text=(
        "Counted in the data as they are loaded. RCV1 subset 1 stands for Mediamill, which is not "
        "at hand: it has 101 labels as well. Almost every event of SUPPORT shares its day with "
        "another, and so how ties are treated matters there."
    ),
    run=run,
    tables=tables,
    data=("METABRIC", "SUPPORT", "Delicious", "RCV1"),
)

"""Every sentence of a report that has a number in it, made from the numbers of report.json."""

from vifstats.reporting.sentences.accuracy import accuracy, how_refitted, worst_row
from vifstats.reporting.sentences.alerts import alert
from vifstats.reporting.sentences.complete import complete
from vifstats.reporting.sentences.data import about_data, limitations
from vifstats.reporting.sentences.fragility import edits_found, edits_searched
from vifstats.reporting.sentences.headline import headline, ranges_plot, subtitle
from vifstats.reporting.sentences.methods import methods, results
from vifstats.reporting.sentences.rows import coefficient_plot, counts_plot, in_sum, top_row, trend
from vifstats.reporting.sentences.sets import set_found, sets_searched
from vifstats.reporting.sentences.survival import survival

__all__ = [
    "about_data",
    "accuracy",
    "alert",
    "complete",
    "coefficient_plot",
    "counts_plot",
    "edits_found",
    "edits_searched",
    "headline",
    "how_refitted",
    "in_sum",
    "limitations",
    "methods",
    "ranges_plot",
    "results",
    "set_found",
    "sets_searched",
    "subtitle",
    "survival",
    "top_row",
    "trend",
    "worst_row",
]

"""Pictures of a result; each function takes the result and an Axes, and returns the Axes.

matplotlib is needed here only, and imported only where no Axes was given. Every picture has the
sign of the package, full data minus without the row, and says it.
"""

from vifstats.plots.accuracy import agreement_plot, error_plot
from vifstats.plots.counts import counts_plot, distribution_plot
from vifstats.plots.effects import range_plot, waterfall_plot
from vifstats.plots.files import save
from vifstats.plots.forest import forest_plot
from vifstats.plots.rows import index_plot, influence_plot, target_plot, time_plot
from vifstats.plots.sets import set_path_plot
from vifstats.plots.survival import survival_change_plot, survival_plot
from vifstats.plots.svg import as_svg

__all__ = [
    "agreement_plot",
    "as_svg",
    "counts_plot",
    "distribution_plot",
    "error_plot",
    "forest_plot",
    "index_plot",
    "influence_plot",
    "range_plot",
    "save",
    "set_path_plot",
    "survival_change_plot",
    "survival_plot",
    "target_plot",
    "time_plot",
    "waterfall_plot",
]

"""Published formulas, one file each: slow, readable, and independent of the fast paths.

They are for teaching and for validation. All are on the scale and in the sign of the package: the
change of the estimate itself, not n times it, full data minus without the row.
"""

from vifstats.closed_form.koh_liang import koh_liang_if
from vifstats.closed_form.reid_crepeau import reid_crepeau_if
from vifstats.closed_form.versatile import vif_cox

__all__ = ["koh_liang_if", "reid_crepeau_if", "vif_cox"]

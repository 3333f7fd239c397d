"""The modules whose names a user may import; .ci/docstrings.py reads their docstrings."""

import inspect

import vifstats
from vifstats import adapters, reporting
from vifstats.losses import row_losses

MODULES = [vifstats, adapters, reporting, row_losses]
MODULES += [thing for thing in map(vars(vifstats).get, vifstats.__all__) if inspect.ismodule(thing)]

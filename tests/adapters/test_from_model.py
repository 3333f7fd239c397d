"""The table of adapters."""

from importlib import import_module

import pytest

import vifstats as vs
from vifstats.adapters import ADAPTERS
from vifstats.errors import UnsupportedModelError


class Stranger:
    """A fit of a library that nobody has heard of."""


@pytest.mark.parametrize("place", sorted(set(ADAPTERS.values())))
def test_every_place_in_the_table_exists(place):
    module, function = place.split(":")
    assert callable(getattr(import_module(f"vifstats.adapters.{module}"), function))


def test_a_fit_of_an_unknown_library_is_named_with_the_way_out():
    for call in (vs.from_model, vs.vif_cox):
        with pytest.raises(
            UnsupportedModelError, match=r"one of .*CoxPHFitter.*Stranger.*Estimate"
        ):
            call(Stranger())

"""Graphs that ship with networkx."""

import sys

import networkx as nx
import pytest

from vifstats.datasets import load_karate
from vifstats.errors import InvalidInputError


def test_the_club_hangs_together_by_its_instructor():
    club = load_karate()
    assert list(nx.articulation_points(club)) == [0]
    club.remove_node(0)
    assert sorted(map(len, nx.connected_components(club)))[0] == 1 and list(club[11]) == []


def test_without_networkx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'vifstats\[graph\]'"):
        load_karate()

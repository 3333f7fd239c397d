"""Pictures for a page: self-contained, readable in the dark, the same every time."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import matplotlib.pyplot as plt

from vifstats.plots import as_svg
from vifstats.plots.style import BLUE, INK


def draw(ax):
    ax.plot([0.001, 0.002, 0.003], color=BLUE)
    ax.set_xlabel("5 < 6 & so on")


def test_it_is_xml_without_addresses_to_load():
    root = ET.fromstring(as_svg(draw))
    links = [
        value
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.endswith("href")
    ]
    assert all(link.startswith(("#", "data:")) for link in links)


def test_text_is_text_and_escaped():
    assert "5 &lt; 6 &amp; so on" in as_svg(draw)


def test_tick_labels_keep_their_digits():
    assert "0.00125" in as_svg(draw)


def test_colours_follow_the_reader_s_choice():
    svg = as_svg(draw)
    assert f"stroke: var(--{BLUE[1:]})" in svg and f"fill: var(--{INK[1:]})" in svg
    assert "prefers-color-scheme:dark" in svg


def test_words_are_legible_where_lines_cross_them():
    svg = as_svg(draw)
    assert "paint-order:stroke;stroke:var(--ground)" in svg
    assert svg.count("--ground:") == 2  # by day and by night


def test_nothing_of_it_stays_behind():
    before = dict(mpl.rcParams), plt.get_fignums()
    assert as_svg(draw) == as_svg(draw)
    assert before == (dict(mpl.rcParams), plt.get_fignums())


def test_letters_that_this_machine_lacks_are_left_to_the_reader():
    """Without a warning about fonts, which are those of a browser."""
    assert "\u6f22\u5b57" in as_svg(lambda ax: ax.set_xlabel("\u6f22\u5b57"))

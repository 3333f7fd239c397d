"""The page: well-formed, self-contained, accessible, and no number that is not in report.json."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from vifstats.reporting.page import render

VOID = {"meta", "img", "br", "hr", "link", "input"}
NUMBER = re.compile(r"(?<![\w.])[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])")


class Page(HTMLParser):
    """Elements in order, and the text that a reader sees."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs, _ in self.elements if name == tag]

    def pictures(self):
        return [unquote(img["src"]) for img in self.all("img")]


@pytest.fixture(scope="session")
def html(any_document):
    return render(any_document)


@pytest.fixture(scope="session")
def page(html):
    return Page(html)


def test_every_element_is_closed(page):
    assert page.open == []


def test_headings_are_in_order(page):
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_every_picture_says_what_it_shows(page):
    pictures = page.all("img")
    assert len(pictures) > 2
    assert all(len(img["alt"]) > 20 for img in pictures)
    assert all(img["src"].startswith("data:image/svg+xml,") for img in pictures)


def test_long_headings_may_break_and_short_labels_may_not(html):
    """Or a table is wider than a sheet of paper, and a row called 105 stands in two lines."""
    heads = re.findall(r'<th scope="col" class="([^"]*)">([^<]*)</th>', html)
    words = [(kind, unescape(head)) for kind, head in heads if " " not in head]
    assert words and all(("long" in kind) == (len(head) > 12) for kind, head in words)
    influential = html.partition('id="rows"')[2].partition("</section>")[0]
    labels = re.findall(r'<th scope="row"( class="short")?>(\w+)\*?</th>', influential)
    assert all(bool(kind) == (len(label) < 9) for kind, label in labels)


def test_every_table_has_a_caption_and_scopes(page):
    tables, captions = page.all("table"), page.all("caption")
    assert len(tables) == len(captions) > 1
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))


def test_ids_are_unique_and_labels_point_to_them(page):
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    labelled = [attrs["aria-labelledby"] for attrs in page.all("section")]
    assert set(labelled) <= set(ids)


def test_nothing_is_run_and_nothing_loaded(page, html):
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _, _ in page.elements}
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", unquote(html))) <= {"#"}
    for picture in page.pictures():
        loaded = re.findall(r'(?:href|src)="([^"]*)"', picture)
        assert all(address.startswith(("#", "data:image/png;base64,")) for address in loaded)


def test_language_width_and_colour_scheme_are_declared(page):
    assert page.all("html") == [{"lang": "en"}]
    names = {meta.get("name"): meta.get("content") for meta in page.all("meta")}
    assert "width=device-width" in names["viewport"] and names["color-scheme"] == "light dark"


def test_light_dark_phone_and_print_have_their_styles(html):
    for media in ("prefers-color-scheme: dark", "max-width", "@media print"):
        assert media in html


def test_the_page_is_the_template_and_the_json(any_document, html):
    assert render(json.loads(json.dumps(any_document))) == html


def test_every_number_on_the_page_is_in_the_json(page, any_document):
    """Rounded as shown; names, labels and versions are text and not looked at."""
    numbers, words = leaves(any_document)
    known = " ".join(words)
    seen = [*page.text, *(img["alt"] for img in page.all("img"))]
    text = re.sub(r"[0-9a-f]{64}|SHA-256", "", " ".join(seen).replace("\xa0", " "))
    for token in NUMBER.findall(text):
        plain = token.replace(",", "").replace("−", "-")
        assert shown(plain, numbers) or re.search(rf"\b{re.escape(token)}\b", known), token


def leaves(value, name=""):
    """Numbers, and text that is not a sentence, of a document."""
    if isinstance(value, dict):
        parts = [leaves(item, key) for key, item in value.items() if key != "figures"]
        parts += [leaves(value["figures"], "")] if isinstance(value.get("figures"), list) else []
    elif isinstance(value, list):
        parts = [leaves(item, name) for item in value]
    elif isinstance(value, str):
        prose = name in ("sentence", "headline", "subtitle", "how", "alt", "svg")
        return [], [] if prose else [value]
    else:
        known = isinstance(value, int | float) and not isinstance(value, bool)
        known &= not name.endswith("decimals")  # of how a number is written, not of what it is
        return ([float(value)] if known else []), []
    return [n for ns, _ in parts for n in ns], [w for _, ws in parts for w in ws]


def shown(token, numbers):
    """Whether a number, rounded as the token is, is among the numbers; 1 and 2025 are prose."""
    value, digits = abs(float(token)), token.lstrip("-").split("e")[0]
    decimals = len(digits.partition(".")[2])
    unit = 10.0**-decimals if "e" not in token else 10.0 ** (int(token.split("e")[1]) - decimals)
    # only from 100 on are numbers rounded to whole ones
    room = 0.5001 * unit if decimals or value >= 100 else 0.0
    return any(abs(abs(n) - value) <= room for n in numbers) or value in (1, 2025)


@pytest.mark.parametrize("token", ["0.68", "0.684", "114", "-0.379"])
def test_numbers_are_found_as_they_are_rounded(token):
    assert shown(token, [0.6843, 114.0, -0.37942])


@pytest.mark.parametrize("token", ["0.69", "0.685", "115", "2", "0.7e-3"])
def test_other_numbers_are_not_found(token):
    assert not shown(token, [0.6843, 114.0, -0.37942, 2.4])


def test_html_in_names_is_escaped(document):
    evil = '<script>alert("1")</script>&amp;\'"'
    text = json.dumps(document).replace("m100x", json.dumps(evil)[1:-1])
    text = text.replace('"name": "mar"', f'"name": {json.dumps(evil)}')
    contents = json.loads(text)
    contents["title"] = evil
    for item in contents["rows"]["items"]:
        item["without"][evil] = item["without"]["mar"]
    page = Page(render(contents))
    assert page.all("script") == [] and page.open == []
    assert evil in "".join(page.text)

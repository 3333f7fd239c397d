"""Every page of a folder through axe (WCAG 2.2, A and AA) in a real browser, by day and by night.

    python .ci/axe.py docs/_build/html build/reports

prints a line for each rule that a page breaks, and exits with 1 if there is one. axe is the file
of the package axe-playwright-python (its Playwright is not needed: `pip install --no-deps`), the
browser is Chromium. Where either is missing nothing is looked at, which it says, and exits with 0.
One page of each browser opens all others in a frame, one after another.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1400,1200",
    "--remote-debugging-port=0",  # it stays open, once the page is there
)
SCHEMES = {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}
SECONDS = 1500  # for all pages: 14 minutes where the load is 15 on two cores
PAGE_SECONDS = 60
WIDTHS = {"light": 1280, "dark": 390}  # a desktop by day, a phone by night

RUNNER = """<!doctype html><html lang="en"><title>axe</title><iframe id="page"></iframe><script>
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const frame = document.getElementById("page");
frame.style = "border:0;height:1000px;width:WIDTHpx";
function loaded(address) {
  return new Promise((done, failed) => {
    const late = setTimeout(() => failed(new Error("not loaded")), PATIENCE);
    frame.onload = () => { clearTimeout(late); done(); };
    frame.src = address;
  });
}
// Contrast takes nine tenths of axe's time, and is the same for texts that look the same. So it is
// asked of three of each look in all its pages: colours and font, and what all that they lie in
// paints.
const seen = new Map();
const PLAIN = "rgba(0, 0, 0, 0),none,1,none,normal,static";
function mark_looks(page) {
  const view = page.defaultView, grounds = new Map([[null, ""]]);
  function ground(part) {
    if (!grounds.has(part)) {
      const style = view.getComputedStyle(part);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
        style.mixBlendMode, style.position].join();
      const outer = ground(part.parentElement);
      grounds.set(part, own === PLAIN ? outer : outer + "|" + own);
    }
    return grounds.get(part);
  }
  for (const part of page.body.querySelectorAll("*")) {
    const text = [...part.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    if (!text && !part.matches("input, select, textarea, button")) continue;
    if (!part.checkVisibility({visibilityProperty: true})) continue;
    const style = view.getComputedStyle(part);
    const look = [style.color, style.webkitTextFillColor, style.fontSize, style.fontWeight,
      style.textShadow, part.matches("a, :disabled, [aria-disabled]"), ground(part)].join();
    seen.set(look, (seen.get(look) ?? 0) + 1);
    if (seen.get(look) <= 3) part.dataset.look = "";
  }
}
async function look(address) {
  await loaded(address);
  const page = frame.contentDocument;
  const still = page.createElement("style");  // what fades in is judged as it ends
  still.textContent = "* {animation: none !important; transition: none !important}";
  page.head.append(still);
  for (const part of page.querySelectorAll("details:not(nav *)")) part.open = true;
  await new Promise(done => {
    const script = page.createElement("script");
    script.src = "/axe.js"; script.onload = done; page.head.append(script);
  });
  const axe = frame.contentWindow.axe;
  mark_looks(page);
  axe.configure({rules: [{id: "color-contrast", selector: "[data-look]"}]});
  const found = await axe.run(
    page, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], preload: false,
      iframes: false});
  return found.violations.map(rule => ({rule: rule.id, help: rule.help, nodes: rule.nodes.length,
    first: rule.nodes[0].html.slice(0, 160),
    why: rule.nodes[0].failureSummary.split("\\n").slice(1).join(" ")}));
}
(async () => {
  for (const address of await (await fetch("/pages.json")).json()) {
    let violations;
    try { violations = await look(address); }
    catch (error) {
      violations = [{rule: "axe", help: String(error), nodes: 1, first: "", why: ""}];
    }
    await fetch("/found", {method: "POST", body: JSON.stringify({address, violations})});
  }
  await fetch("/found", {method: "POST", body: "null"});
})();
</script></html>"""


def main() -> int:
    """Look at the pages of each folder in both colour schemes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", default="", help="pages with this in their address")
    args = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or (axe := axe_script()) is None:
        missing = "Chromium" if browser is None else "axe-playwright-python"
        print(f"axe: no page was looked at, as {missing} is not installed")
        return 0
    pages = [address for address in addresses(args.folders) if args.only in address]
    # the pages of a scheme in as many browsers as leave no core idle
    asked = {"light": (pages[::2], pages[1::2]), "dark": (unlike(pages),)}
    with ThreadPoolExecutor() as pool:
        looks = {
            scheme: [pool.submit(look, browser, scheme, args.folders, some, axe) for some in parts]
            for scheme, parts in asked.items()
        }
    lines = 0
    for scheme, parts in asked.items():
        results = {page: found for one in looks[scheme] for page, found in one.result().items()}
        lines += show(results, sum(parts, []), scheme)
    return int(lines > 0)


def unlike(pages: list[str]) -> list[str]:
    """The pages without nine in ten of those that one template made for the API."""
    made = [page for page in pages if "/generated/" in page]
    return sorted({*pages} - {*made} | {*made[::10]})


def axe_script() -> Path | None:
    """The file that is put into each page; its package is looked up and not imported."""
    spec = find_spec("axe_playwright_python")
    return spec and Path(next(iter(spec.submodule_search_locations))) / "axe.min.js"


def addresses(folders: list[Path]) -> list[str]:
    """One for each page: the place of its folder in the list, and its path in it."""
    return [
        f"/{place}/{page.relative_to(folder)}"
        for place, folder in enumerate(folders)
        for page in sorted(folder.rglob("*.html"))
        if "_static" not in page.parts
    ]


def look(
    browser: str, scheme: str, folders: list[Path], pages: list[str], axe: Path
) -> dict[str, list[dict]]:
    """What axe finds on each page, by its address."""
    results: dict[str, list[dict]] = {}
    done = threading.Event()
    runner = RUNNER.replace("WIDTH", str(WIDTHS[scheme]))
    runner = runner.replace("PATIENCE", str(1000 * PAGE_SECONDS))
    texts = {"/runner.html": runner, "/pages.json": json.dumps(pages), "/axe.js": axe.read_text()}
    handler = partial(Handler, folders, texts, results, done)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory() as own,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/runner.html"
        with subprocess.Popen(
            [browser, *FLAGS, *SCHEMES[scheme], f"--user-data-dir={own}", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            done.wait(SECONDS)
            os.killpg(process.pid, 15)
        server.shutdown()
    return results


class Handler(SimpleHTTPRequestHandler):
    """The pages, what the runner needs, and a place for what it found."""

    def __init__(self, folders, texts, results, done, *args):
        self.folders, self.texts, self.results, self.done = folders, texts, results, done
        super().__init__(*args)

    def do_GET(self):
        """A text from memory, or a file of a folder."""
        if self.path not in self.texts:
            return super().do_GET()
        body = self.texts[self.path].encode()
        kind = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
        self.send_response(200)
        self.send_header("Content-Type", kind.get(Path(self.path).suffix, "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        """Scripts and styles are the same on all pages: they are asked for once."""
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def do_POST(self):
        """What axe found on one page; null at the end."""
        found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        if found is None:
            self.done.set()
        else:
            self.results[found["address"]] = found["violations"]

    def translate_path(self, path):
        """``/0/index.html`` is ``index.html`` of the first folder."""
        place, _, rest = path.split("?")[0].lstrip("/").partition("/")
        return str(self.folders[int(place)] / rest) if place.isdigit() else os.devnull

    def log_message(self, *args):
        """Say nothing of each request."""


def show(results: dict[str, list[dict]], asked: list[str], scheme: str) -> int:
    """A line for each rule that a page breaks, and for pages not reached; how many there are."""
    missing = sorted({*asked} - {*results})
    lines = len(missing)
    if missing:
        print(f"axe, {scheme}: {lines} pages were not reached, first {missing[0]}")
    for address, violations in sorted(results.items()):
        for found in violations:
            lines += 1
            print(f"{scheme} {address}: {found['rule']} ({found['nodes']}): {found['help']}")
            print(f"    {found['first']}\n    {found['why']}")
    print(f"axe, {scheme}: {len(results)} pages of {WIDTHS[scheme]} pixels looked at")
    return lines


if __name__ == "__main__":
    sys.exit(main())

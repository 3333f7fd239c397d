"""Look at a report as its readers do: desktop, phone and paper, by day and by night.

    python validation/screenshots.py report.html FOLDER

writes PNGs and a PDF with a headless Chromium (Debian: apt install chromium). They are for
looking at, not for keeping.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DARK = "--blink-settings=preferredColorScheme=0"
HEIGHT = 20_000
# A window is never narrower than 500 pixels; a frame in it may be.
PHONE = '<body style="margin:0"><iframe src="{}" style="width:390px;height:{}px;border:0"></iframe>'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    page = args.page.resolve().as_uri()
    with tempfile.TemporaryDirectory() as scratch:
        phone = Path(scratch) / "phone.html"
        phone.write_text(PHONE.format(page, HEIGHT))
        for name, address, width in (("desktop", page, 1200), ("phone", phone.as_uri(), 500)):
            for suffix, flags in (("", []), ("-dark", [DARK])):
                picture = args.folder / f"{name}{suffix}.png"
                chromium(
                    *flags, f"--window-size={width},{HEIGHT}", f"--screenshot={picture}", address
                )
    chromium("--no-pdf-header-footer", f"--print-to-pdf={args.folder / 'print.pdf'}", page)


def chromium(*arguments: str) -> None:
    """Run Chromium with a profile of its own, which goes away with it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()

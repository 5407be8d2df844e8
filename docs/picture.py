"""Takes the README's picture of a report: `python docs/picture.py reports/example docs/images/report.png`.

Needs Chromium and playwright; says so where they are missing, and changes nothing.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

WIDTH, HEIGHT = 1360, 860


def main(folder: Path, picture: Path) -> None:
    """Write the picture of the page in `folder`."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("no Chromium on this machine: the picture stays as it is")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(f"file://{folder.resolve()}/index.html")
        page.wait_for_selector("#table [data-sort]")
        page.add_style_tag(content="#notes { display: none }")
        page.wait_for_selector("#profile .line")
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""Measures in Chromium how soon a report's page answers, in turn with other pages.

    python tests/perf/page_times.py FOLDER [FOLDER ...] [--rounds 5]

Each round opens every folder's index.html in a fresh browser and tells medians over rounds, in milliseconds:

interactive  from the start of the navigation until the page's scripts have run
filter       from a click on the first checkbox until what the window shows has been painted, at the top of the page
all drawn    the same after every section has been drawn
matrix       the same with the matrix of problems in the window, all its classes open

Another page may stand beside it if its first checkbox filters, its `OB.drawAll()` draws all and #heat is its matrix.
tests/perf/report_at_scale.py makes a large report. No number says anything without the load that is printed with it.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright

CLICKS = 4
PAINTED = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
FILTERED = f"""async () => {{
  const box = document.querySelector("input[type=checkbox]"), began = performance.now();
  box.click();
  return await {PAINTED} - began;
}}"""
OPENED = """async () => {
  for (let shut; (shut = document.querySelector("#heat [aria-expanded=false]"));) shut.click();
  document.getElementById("heat").scrollIntoView();
}"""
STATES = {"filter": "() => {}", "all drawn": "() => OB.drawAll()", "matrix": OPENED}
REST = 300  # ms until what was begun is done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found: dict[tuple[Path, str], list[float]] = {}
    with sync_playwright() as playwright:
        for _ in range(given.rounds):
            for folder in given.folders:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                for name, times in _page(browser, folder.resolve()).items():
                    found.setdefault((folder, name), []).extend(times)
                browser.close()
    for (folder, name), times in found.items():
        print(f"{folder}  {name:12}{median(times):6.0f}  (largest of {len(times)}: {max(times):.0f})")
    print(f"load {os.getloadavg()[0]:.1f}")


def _page(browser: Browser, folder: Path) -> dict[str, list[float]]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"file://{folder}/index.html")
    timing = "performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart"
    found: dict[str, list[float]] = {"interactive": [page.evaluate(timing)]}
    for name, script in STATES.items():
        page.evaluate(script)
        found[name] = [_filtered(page) for _ in range(CLICKS)]
    return found


def _filtered(page: Any) -> float:
    page.wait_for_timeout(REST)
    return float(page.evaluate(FILTERED))


if __name__ == "__main__":
    main()

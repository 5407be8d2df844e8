"""The pages of a published folder: an index of suites and runs, and for each suite the trends of its optimizers."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from optbench.records import Site, SiteRun
from optbench_reporters.rendering import environment
from optbench_reporters.trends import MEASURES, machines

INDEX = "index.html"


def site_files(site: Site) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of each file; the index comes last."""
    pages = environment()
    suites = _suites(site)
    for name, runs in suites.items():
        page = pages.get_template("site/suite.html.j2")
        variables = {"title": runs[-1].title, "runs": runs[::-1], "machines": machines(runs), "measures": MEASURES}
        yield f"suites/{_slug(name, suites)}.html", page.render(site=site, name=name, **variables).encode()
    package = resources.files("optbench_reporters")
    for name, folder in (("report.css", "static"), ("site.css", "site")):
        yield f"static/{name}", (package / folder / name).read_bytes()
    yield ".nojekyll", b""
    cards = [_card(name, runs, _slug(name, suites)) for name, runs in suites.items()]
    runs = sorted(site.runs, key=lambda run: run.started, reverse=True)
    yield INDEX, pages.get_template("site/index.html.j2").render(site=site, cards=cards, runs=runs).encode()


def write_site(site: Site, folder: Path) -> tuple[Path, ...]:
    """Write the pages into `folder` and return them; each is replaced at once, so that a reader sees no half page."""
    written = []
    for name, content in site_files(site):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
        written.append(path)
    kept = set(written)
    for path in (folder / "suites").glob("*.html"):
        if path not in kept:
            path.unlink()
    return tuple(written)


def _suites(site: Site) -> dict[str, list[SiteRun]]:
    """Return the runs of each suite, the oldest first; the suite that ran last stands first."""
    found: dict[str, list[SiteRun]] = {}
    for run in sorted(site.runs, key=lambda run: run.started):
        found.setdefault(run.suite, []).append(run)
    return dict(sorted(found.items(), key=lambda item: item[1][-1].started, reverse=True))


def _card(name: str, runs: list[SiteRun], slug: str) -> dict[str, Any]:
    last = runs[-1]
    ranked = sorted(
        (row for row in last.standings if row.solved is not None),
        key=lambda row: (-(row.solved or 0.0), float("inf") if row.evaluations is None else row.evaluations),
    )
    return {
        "name": name,
        "title": last.title,
        "page": f"suites/{slug}.html",
        "last": last,
        "runs": len(runs),
        "machines": len({run.fingerprint for run in runs}),
        "leaders": ranked[:3],
    }


def _slug(name: str, suites: dict[str, list[SiteRun]]) -> str:
    """Return a word for a suite's file: its name may be anything, and may differ from another's in signs only."""
    words = ["".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in suite) for suite in suites]
    place = list(suites).index(name)
    word = words[place].strip("-").lower()[:60] or "suite"
    return word if [w.strip("-").lower()[:60] or "suite" for w in words].count(word) == 1 else f"{word}-{place + 1}"

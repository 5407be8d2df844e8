"""The reporter `html`: one folder, opened from its index.html without a server or a network."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from optbench.records import ReportModel, Site
from optbench_reporters.data import data_files, put, stamp
from optbench_reporters.downloads import Download, downloads, replay
from optbench_reporters.pages import pages
from optbench_reporters.palette import Slot, slots, stylesheet
from optbench_reporters.rendering import environment
from optbench_reporters.sections import CONVERGENCE, Section, sections_of
from optbench_reporters.view import page_variables

DEFAULT_TARGET = 1e-8
PAGE = "index.html"
# Of an earlier report, if it stands in the same folder.
GENERATED = (
    "data/*.js",
    "downloads/*.*",
    "figures/*.svg",
    "figures/*.pdf",
    "figures/scaling*.png",
    "optimizers/*.html",
    "problems/*.html",
    "static/sections/*.js",
    "static/*.js",
)
# Scripts in the order in which they need one another; those of the sections come before the last ones.
FIRST = ("format", "scale", "charts", "interact", "export", "aggregate", "state", "controls", "shards", "picker")
LAST = ("theme", "scrolls", "main")
STILL = ("static/theme.js", "static/scrolls.js")  # of a page without data


class HtmlReporter:
    """Writes a report as a page with its data, scripts and figures."""

    def __init__(self, *, figures: bool = True, live: bool = False) -> None:
        """Draw the static figures, too, if `figures`; reload the page when it is written again, if `live`."""
        self.figures, self.live = figures, live

    def __call__(self, model: ReportModel, folder: Path) -> tuple[Path, ...]:
        """Write the report into `folder` and return the files; the page comes last.

        All files are written to a folder inside it first and then moved into place one by one, so that a crash leaves
        no half file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
        try:
            names = [_write(staging / name, content) for name, content in self._files(model)]
            paths = [path.relative_to(staging) for path in names]
            return _publish(staging, folder, paths)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def index(self, site: Site, folder: Path) -> tuple[Path, ...]:
        """Write the pages of a published folder, the index last, and return them."""
        from optbench_reporters.site_pages import write_site

        return write_site(site, folder)

    def _files(self, model: ReportModel) -> Iterator[tuple[str, bytes]]:
        target = model.target_near(DEFAULT_TARGET) if model.targets else DEFAULT_TARGET
        looks, sections, taken = slots(model, target), sections_of(model), downloads(model, target)
        figures = dict(self._figures(model, target, looks, sections))
        yield from ((f"figures/{name}", content) for name, content in figures.items())
        if model.trials:
            for name, text in data_files(model, target, looks, curves=CONVERGENCE in sections):
                yield f"data/{name}", text.encode()
        if self.live:
            yield "data/now.js", put("now", stamp(model)).encode()
        yield from ((f"downloads/{item.name}", item.content) for item in taken)
        yield from _static()
        yield "static/palette.css", stylesheet(looks).encode()
        yield ".nojekyll", b""
        templates = environment()
        for name, template, variables in pages(model, target):
            page = templates.get_template(template).render(**variables, figures=frozenset(figures))
            yield name, page.encode()
        variables = {
            **page_variables(model, target),
            **self._frame(model, sections, taken),
            "figures": frozenset(figures),
        }
        stills = [name.removesuffix(".svg") for name in figures if name.endswith(".svg")]
        variables["static_figures"] = stills
        variables["still"] = next((name for name in stills if name.startswith("conv-")), None)
        variables["learning_stills"] = [name for name in stills if name.startswith("learning-")]
        yield PAGE, templates.get_template("report.html.j2").render(**variables).encode()

    def _figures(
        self, model: ReportModel, target: float, looks: tuple[Slot, ...], sections: tuple[Section, ...]
    ) -> Iterator[tuple[str, bytes]]:
        if self.figures and any(section.draw for section in sections):
            from optbench_reporters.figures import figure_files

            yield from figure_files(model, target, looks, sections)

    def _frame(self, model: ReportModel, sections: tuple[Section, ...], taken: tuple[Download, ...]) -> dict[str, Any]:
        """Return what the page's frame needs: its sections, its scripts and what can be downloaded."""
        lives, live = bool(model.trials), ["static/live.js"] if self.live else []
        return {
            "sections": sections,
            "lives": lives,
            "costs": CONVERGENCE in sections and bool(model.targets),
            "scripts": [*(_scripts(model, sections) if lives else STILL), *live],
            "downloads": [(item.name, item.about) for item in taken],
            "replay": replay(model),
            "live": self.live,
            "stamp": stamp(model),
        }


def _scripts(model: ReportModel, sections: tuple[Section, ...]) -> Iterator[str]:
    yield from ("data/suite.js", "data/cells.js")
    yield from ["data/scaling.js"] if model.scaling else []
    yield from ["data/ablations.js"] if model.ablations else []
    yield from ["data/tuning.js"] if model.tuned else []
    yield from (f"static/{name}.js" for name in FIRST)
    yield from (
        f"static/sections/{name}.js" for name in dict.fromkeys(x for section in sections for x in section.scripts)
    )
    yield from (f"static/{name}.js" for name in LAST)


def _static() -> Iterator[tuple[str, bytes]]:
    """Yield the scripts and the style sheet, as they lie in the package."""
    pending: list[tuple[str, Traversable]] = [("static", resources.files("optbench_reporters") / "static")]
    while pending:
        name, item = pending.pop()
        if item.is_dir():
            pending.extend((f"{name}/{child.name}", child) for child in item.iterdir())
        else:
            yield name, item.read_bytes()


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _publish(staging: Path, folder: Path, names: list[Path]) -> tuple[Path, ...]:
    """Move the files into place, the page last, then remove what only an earlier report needed."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(folder / name)
    written = tuple(folder / name for name in names)
    stale = {path for pattern in GENERATED for path in folder.glob(pattern)} - set(written)
    for path in stale:
        path.unlink()
    return written

"""The reporter `html`: one folder, opened from its index.html without a server or a network."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from optbench.records import ReportModel
from optbench_reporters.data import STATUSES, data_files
from optbench_reporters.palette import Slot, slots, stylesheet
from optbench_reporters.scaling import scaling_lines
from optbench_reporters.view import page_variables

DEFAULT_TARGET = 1e-8
PAGE = "index.html"
GENERATED = (
    "data/*.js",
    "figures/*.svg",
    "figures/scaling*.png",
)  # of an earlier report, if it stands in the same folder


class HtmlReporter:
    """Writes a report as a page with its data, scripts and figures."""

    def __init__(self, *, figures: bool = True) -> None:
        """Draw the static figures, too, if `figures`."""
        self.figures = figures

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

    def _files(self, model: ReportModel) -> Iterator[tuple[str, bytes]]:
        target = model.target_near(DEFAULT_TARGET) if model.targets else DEFAULT_TARGET
        looks = slots(model, target)
        figures = dict(self._figures(model, target, looks))
        yield from ((f"figures/{name}", content) for name, content in figures.items())
        for name, text in data_files(model, target):
            yield f"data/{name}", text.encode()
        yield from _static()
        yield "static/palette.css", stylesheet(looks).encode()
        yield ".nojekyll", b""
        yield PAGE, _render(model, target, frozenset(figures)).encode()

    def _figures(self, model: ReportModel, target: float, looks: tuple[Slot, ...]) -> Iterator[tuple[str, bytes]]:
        if self.figures and model.targets:
            from optbench_reporters.figures import figure_files

            yield from figure_files(model, target, looks)
        lines = scaling_lines(model)
        if self.figures and lines:
            from optbench_reporters.scaling_figure import scaling_files

            yield from scaling_files(lines, looks)
        if self.figures and model.learning:
            from optbench_reporters.learning_figure import learning_files

            yield from learning_files(model, looks)
        if self.figures and model.tuned:
            from optbench_reporters.tuning_figure import tuning_files

            yield from tuning_files(model, looks)


def _render(model: ReportModel, target: float, figures: frozenset[str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("optbench_reporters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(**page_variables(model, target), figures=figures, statuses=STATUSES)


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

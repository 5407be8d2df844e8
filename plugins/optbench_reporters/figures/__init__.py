"""The static figures: SVG and PDF for papers and for readers without JavaScript. Only here seaborn is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from optbench.api import announce
from optbench.records import ReportModel
from optbench_reporters.palette import Slot

if TYPE_CHECKING:
    from optbench_reporters.sections import Section


def figure_files(
    model: ReportModel, target: float, slots: Sequence[Slot], sections: Sequence[Section]
) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, content) of the figures of `sections`, each as SVG and PDF.

    `slots` are the looks of the report's optimizers, `target` is the relative gap that they are drawn at.
    """
    from optbench_reporters.figures.style import Canvas, files, looks_of, theme

    canvas = Canvas(model, target, looks_of(model, slots))
    with theme():
        for section in sections:
            for name, figure in section.figures_of(canvas):
                announce(f"drawing figures: {name}")
                yield from files(name, figure)

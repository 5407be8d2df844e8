"""Reporters: what becomes of a ReportModel."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import Option, ReporterPlugin, hookimpl


@hookimpl
def optbench_reporters() -> Iterator[ReporterPlugin]:
    """Yield the reporters of this package."""
    yield ReporterPlugin(
        name="html",
        factory="optbench_reporters.html:HtmlReporter",
        summary="A page that opens from a folder, without a network: tables and figures; SVG for papers.",
        options={
            "figures": Option(default=True, doc="Draw the SVG figures, for papers and for readers without JavaScript."),
        },
    )

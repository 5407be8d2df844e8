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
            "live": Option(default=False, doc="Reload the page by itself when the report is written again."),
        },
    )
    yield from _text_files()
    yield ReporterPlugin(
        name="asv",
        factory="optbench_reporters.asv:AsvReporter",
        summary="Adds the run's commit to results of airspeed velocity, whose site shows the history.",
        options={
            "results": Option(default="", doc="Folder of asv's results; empty: asv-results beside the report."),
            "target": Option(default=1e-5, doc="Relative gap that costs are counted to, or the nearest.", low=0.0),
            "times": Option(default=True, doc="Write seconds, too; they are of one machine only."),
        },
        by_default=False,
    )


def _text_files() -> Iterator[ReporterPlugin]:
    yield ReporterPlugin(
        name="markdown",
        factory="optbench_reporters.text_files:MarkdownReporter",
        summary="One file of tables for a pull request or a wiki.",
        by_default=False,
    )
    yield ReporterPlugin(
        name="latex",
        factory="optbench_reporters.text_files:LatexReporter",
        summary="Tables for a paper: the ranking, and each optimizer on each problem.",
        by_default=False,
    )
    yield ReporterPlugin(
        name="csv",
        factory="optbench_reporters.text_files:CsvReporter",
        summary="Tables for spreadsheets and data frames.",
        by_default=False,
    )
    yield ReporterPlugin(
        name="json",
        factory="optbench_reporters.text_files:JsonReporter",
        summary="Everything that a report shows, as one JSON object.",
        by_default=False,
    )

"""Reporters of plain files: `csv` and `json` for programs, `markdown` for pull requests, `latex` for papers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from optbench.records import ABLATION_HEADINGS, Cell, ReportModel, finite
from optbench.records.text import commit_text, percent_range
from optbench_reporters.latex import LATEX_NEEDS, latex_text
from optbench_reporters.tables import Table, cells_table, csv_text, results_latex, results_table
from optbench_reporters.view import machine, power

DEFAULT_TARGET = 1e-8
MEASURE = "evaluations"
Files = Iterator[tuple[str, str]]


class CsvReporter:
    """Writes tables that spreadsheets and data frames read; no cell is taken for a formula."""

    def __call__(self, model: ReportModel, folder: Path) -> tuple[Path, ...]:
        """Write `results.csv`, `cells.csv` and what else the suite has, and return the files."""
        return _written(folder, self._files(model))

    def _files(self, model: ReportModel) -> Files:
        if model.scores:
            yield "results.csv", csv_text(results_table(model, MEASURE, model.target_near(DEFAULT_TARGET)))
        yield "cells.csv", csv_text(cells_table(model))
        rows = {
            "failures": model.failures,
            "ablations": model.ablations,
            "stages": model.stages,
            "two-results": model.two_results,
            "scaling": model.scaling,
            "gates": model.gates,
        }
        rows |= {"comparisons": model.comparisons, "tuning": model.tuned}
        yield from ((f"{name}.csv", csv_text(_plain(items))) for name, items in rows.items() if items)


class JsonReporter:
    """Writes the whole report as one JSON object; what is not finite is null."""

    def __call__(self, model: ReportModel, folder: Path) -> tuple[Path, ...]:
        """Write `report.json` and return it."""
        text = json.dumps(_finite(model.to_json()), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return _written(folder, [("report.json", text + "\n")])


class MarkdownReporter:
    """Writes a summary for a pull request or a wiki: tables, failures, notes, how to run it again."""

    def __call__(self, model: ReportModel, folder: Path) -> tuple[Path, ...]:
        """Write `report.md` and return it."""
        return _written(folder, [("report.md", "\n\n".join(_markdown(model)) + "\n")])


class LatexReporter:
    """Writes tables for papers; they need the package booktabs, the large one longtable, too."""

    def __call__(self, model: ReportModel, folder: Path) -> tuple[Path, ...]:
        """Write `results.tex` and `problems.tex` and return them."""
        return _written(folder, self._files(model))

    def _files(self, model: ReportModel) -> Files:
        if not model.targets:
            return
        target = model.target_near(DEFAULT_TARGET)
        if model.scores:
            yield "results.tex", results_latex(model, MEASURE, target)
        yield "problems.tex", _problems_latex(model, target)


def _written(folder: Path, files: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> tuple[Path, ...]:
    """Write each file at once: a reader sees the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in files:
        partial = folder / f".{name}.partial"
        partial.write_text(text, encoding="utf-8")
        paths.append(partial.replace(folder / name))
    return tuple(paths)


def _plain(items: Sequence[Any]) -> Table:
    """Return records as rows; what is no plain value is written as JSON."""
    names = [field.name for field in fields(items[0])]
    return Table(names, [[_cell(asdict(item)[name]) for name in names] for item in items])


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | int | bool):
        return value
    return finite(value) if isinstance(value, float) else json.dumps(_finite(value), ensure_ascii=False)


def _finite(value: Any) -> Any:
    from optbench.records.canonical import without_nonfinite

    return without_nonfinite(value)


def _markdown(model: ReportModel) -> Iterator[str]:
    """Yield the paragraphs."""
    environment = model.environment
    commit = f", commit {commit_text(environment.commit)}" if environment.commit else ""
    yield f"# {_safe(model.title)}"
    yield _safe(f"{model.created} on {machine(environment)}{commit}; budget {model.budget}.")
    if not model.trials:
        yield "There are no results yet."
    if model.gates:
        yield "## Gates"
        rows = [("yes" if x.passed else "no", x.name, x.expected_text, x.measured_text, x.message) for x in model.gates]
        yield _table(("passed", "gate", "expected", "measured", "why not"), rows)
    if model.ranking and model.scores:
        target = model.target_near(DEFAULT_TARGET)
        yield f"## Solved to {power(target)}, cost in {MEASURE}"
        yield _ranking(model, target)
    if model.ablations:
        yield "## Ablations"
        yield _table(ABLATION_HEADINGS, [row.cells for row in model.ablations])
    if model.failures:
        yield "## Failures"
        yield _failures(model)
    if model.notes:
        yield "\n".join(f"- {_safe(note)}" for note in model.notes)
    yield f"Again: `{' '.join(model.command.replace('`', '').split())}`"


def _ranking(model: ReportModel, target: float) -> str:
    rows = []
    for name, solved, low, high, slowdown, wins, cost, *_ in results_table(model, MEASURE, target).rows:
        share = "–" if solved is None else f"{100 * solved:.0f} % ({percent_range(low, high)})"
        slow = "> ½ unsolved" if slowdown is None else f"{slowdown:.3g}×"
        rows.append((name, share, slow, str(wins), "–" if cost is None else f"{cost:,.0f}"))
    return _table(("optimizer", "solved (95 %)", "slowdown", "fastest", "median"), rows)


def _failures(model: ReportModel) -> str:
    arms = {item.id: item.label for item in model.optimizers}
    problems = {item.id: item.label for item in model.problems}
    rows = [(arms[x.optimizer], problems[x.problem], x.status, str(len(x.seeds)), x.message) for x in model.failures]
    return _table(("optimizer", "problem", "status", "seeds", "message"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(_safe(cell) for cell in line)} |" for line in lines)


# In this order. A backslash before a bar would end a cell, dollars would begin a formula.
_MARKDOWN = {"&": "&amp;", "\\": "&#92;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "|": "\\|", "`": "\\`", "*": "\\*"}


def _safe(text: str) -> str:
    """Return text that Markdown and HTML take for text."""
    for sign, written in _MARKDOWN.items():
        text = text.replace(sign, written)
    return " ".join(text.replace("[", "\\[").split())


def _problems_latex(model: ReportModel, target: float) -> str:
    """Return a longtable of each optimizer's median cost on each problem, the least of a row in bold."""
    index = model.targets.index(target)
    cells = {(cell.optimizer, cell.problem): cell for cell in model.cells}
    rows = []
    for problem in model.problems:
        of = [cells.get((arm.id, problem.id)) for arm in model.optimizers]
        costs = [_cost(cell, index) for cell in of]
        least = min((cost for cost in costs if cost is not None), default=None)
        entries = [_entry(cost, cell, least) for cost, cell in zip(costs, of, strict=True)]
        rows.append(rf"{latex_text(problem.label)} & {' & '.join(entries)} \\")
    names = " & ".join(rf"\rotatebox{{90}}{{{latex_text(arm.label)}}}" for arm in model.optimizers)
    return "\n".join([
        f"% {latex_text(model.title)}: median {MEASURE} to a gap of {target:g}; --: not solved by half of the seeds",
        rf"% needs \usepackage{{booktabs,longtable,graphicx}}; {LATEX_NEEDS}",
        rf"\begin{{longtable}}{{l*{{{len(model.optimizers)}}}{{r}}}}",
        r"\toprule",
        rf"Problem & {names} \\",
        r"\midrule",
        r"\endhead",
        *rows,
        r"\bottomrule",
        r"\end{longtable}",
        "",
    ])  # fmt: skip


def _cost(cell: Cell | None, index: int) -> float | None:
    return None if cell is None or not cell.seeds else cell.costs[MEASURE][index][1]


def _entry(cost: float | None, cell: Cell | None, least: float | None) -> str:
    if cell is None:
        return ""
    if cost is None:
        return "--"
    return rf"\textbf{{{cost:,.0f}}}" if cost == least else f"{cost:,.0f}"

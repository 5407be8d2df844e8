"""The report as a table for a terminal: whole in 100 columns, with fewer columns in a narrower one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import FAILED, Cell, ReportModel, ReportOptimizer, Score
from optbench.report.fitting import fitted, told
from optbench.report.notes import MARK
from optbench.report.tables import new_table
from optbench.report.units import bytes_text, count_text, seconds_text

if TYPE_CHECKING:
    from rich.table import Table

TARGET = 1e-8
FAILURES_SHOWN = 6
LEVEL = "≈"  # not told apart from the leader
KINDS = {
    "quadratic": "quad",
    "convex": "convex",
    "least-squares": "lsq",
    "nonconvex": "nonc",
    "multimodal": "multi",
    "learning": "learn",
}


def terminal_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row an optimizer, the most reliable first; what to know before comparing stands below."""
    kinds = tuple(dict.fromkeys(KINDS.get(problem.kind, problem.kind[:6]) for problem in model.problems))
    return fitted(partial(_table, model), (("95 %",), ("state",), kinds, ("slow",), ("time",)), width)


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    from rich.text import Text

    target = model.target_near(TARGET) if model.targets else TARGET
    rows = [dict(row) for row in _rows(model, target)]
    caption = "\n".join(_caption(model, left_out))
    table = new_table(f"{model.title}: solved to a relative gap of {target:.0e}", caption)
    table.add_column("optimizer", overflow="fold", min_width=10)
    shown = [heading for heading in _numbers(model) if heading not in left_out]
    for heading in shown:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("failed", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[heading]) for heading in ("optimizer", *shown, "failed")))
    return table


def _numbers(model: ReportModel) -> tuple[str, ...]:
    kinds = (KINDS.get(kind, kind[:6]) for kind in dict.fromkeys(problem.kind for problem in model.problems))
    return ("solved", "95 %", *kinds, "evals", "slow", "time", "state")


def gate_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row a gate; what a gate states that did not pass, and why not, stands below."""
    return fitted(partial(_gates, model), (("tolerance",),), width)


def _gates(model: ReportModel, left_out: frozenset[str]) -> Table:
    from rich.text import Text

    passed = sum(gate.passed for gate in model.gates)
    title = f"{model.title}: {passed} of {len(model.gates)} gates passed"
    failed = [f"• {gate.name}: {gate.message}. {gate.statement}" for gate in model.gates if not gate.passed]
    table = new_table(title, "\n".join(failed))
    table.add_column("gate", overflow="fold")
    for heading in ("expected", "measured", "tolerance"):
        if heading not in left_out:
            table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("passed")
    for gate in model.gates:
        tolerance = () if left_out else (gate.tolerance_text,)
        cells = (gate.name, gate.expected_text, gate.measured_text, *tolerance, "yes" if gate.passed else "NO")
        table.add_row(*map(Text, cells))
    return table


def _rows(model: ReportModel, target: float) -> Iterator[Iterator[tuple[str, str]]]:
    """Yield for each optimizer its cells by heading."""
    seconds = {score.optimizer: score for score in model.scores_at("seconds", target)}
    arms = {optimizer.id: optimizer for optimizer in model.optimizers}
    level = model.level_with_leader("evaluations", target)
    headings = ("optimizer", *_numbers(model), "failed")
    for score in model.scores_at("evaluations", target):
        slow = _slowdown(score) + (LEVEL if score.optimizer in level else "")
        row = _row(model, arms[score.optimizer], score, (slow, seconds[score.optimizer].cost))
        yield zip(headings, row, strict=True)


def _row(model: ReportModel, optimizer: ReportOptimizer, score: Score, compared: tuple[str, float | None]) -> list[str]:
    cells = [cell for cell in model.cells if cell.optimizer == optimizer.id]
    kinds = [score.solved_by_kind[kind] for kind in score.solved_by_kind]
    slow, seconds = compared
    share = f"{100 * score.hits / score.trials:.0f} %" if score.trials else "–"
    interval = f"{100 * score.low:.0f}–{100 * score.high:.0f}" if score.trials else ""
    return [
        optimizer.label,
        share,
        interval,
        *(f"{solved}/{run}" if run else "–" for solved, run in kinds),
        count_text(score.cost),
        slow,
        seconds_text(seconds) + (MARK if seconds is not None and any(cell.unreliable for cell in cells) else ""),
        bytes_text(_largest_state(cells)),
        _failed(cells),
    ]


def _slowdown(score: Score) -> str:
    return ">½" if score.slowdown is None else f"{score.slowdown:.3g}×"


def _largest_state(cells: list[Cell]) -> int | None:
    return max((cell.state_bytes for cell in cells if cell.state_bytes is not None), default=None)


def _failed(cells: list[Cell]) -> str:
    statuses: Counter[str] = Counter()
    for cell in cells:
        statuses.update({status: count for status, count in cell.statuses.items() if status in (*FAILED, "skipped")})
    return ", ".join(f"{count} {status}" for status, count in statuses.items())


def _caption(model: ReportModel, left_out: frozenset[str]) -> list[str]:
    legend = (
        f"Problems: {len(model.problems)}, optimizers: {len(model.optimizers)}, seeds: {model.seeds}; "
        f"budget {model.budget}. 95 %: Wilson interval. evals, time: median over solved problems. "
        "slow: median of cost / best cost in evaluations (>½: more than half unsolved). state: largest. "
        "solved: share of trials; by class: problems that at least half of the seeds solve."
    )
    legend += told(left_out, _numbers(model))
    if model.versus:
        legend += f" {LEVEL}: within noise of the first."
    if model.weights:
        legend += f" The report compares by cost, too: {model.weights_in_words}."
    return [legend, *remarks(model)]


def remarks(model: ReportModel) -> list[str]:
    """Return a line each for what to know before comparing, and for the first failures."""
    lines = [f"• {note}" for note in model.notes]
    names = {optimizer.id: optimizer.label for optimizer in model.optimizers}
    problems = {problem.id: problem.label for problem in model.problems}
    for failure in model.failures[:FAILURES_SHOWN]:
        message = failure.message.partition("\n")[0][:160]
        lines.append(
            f"• {names[failure.optimizer]} on {problems[failure.problem]}: {failure.status}. {message}".rstrip(". ")
        )
    rest = len(model.failures) - FAILURES_SHOWN
    return [*lines, f"• and {rest} more failures"] if rest > 0 else lines

"""The report as a table for a terminal of 100 columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optbench.records import FAILED, Cell, ReportModel, ReportOptimizer, Score
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


def terminal_table(model: ReportModel) -> Table:
    """Return a row an optimizer, the most reliable first; what to know before comparing stands below."""
    from rich.text import Text

    target = model.target_near(TARGET) if model.targets else TARGET
    kinds = list(dict.fromkeys(problem.kind for problem in model.problems))
    table = new_table(f"{model.title}: solved to a relative gap of {target:.0e}", "\n".join(_caption(model)))
    table.add_column("optimizer", overflow="fold", min_width=10)
    numbers = ("solved", "95 %", *(KINDS.get(kind, kind[:6]) for kind in kinds), "evals", "slow", "time", "state")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("failed", overflow="fold")
    seconds = {score.optimizer: score for score in model.scores_at("seconds", target)}
    arms = {optimizer.id: optimizer for optimizer in model.optimizers}
    level = model.level_with_leader("evaluations", target)
    for score in model.scores_at("evaluations", target):
        slow = _slowdown(score) + (LEVEL if score.optimizer in level else "")
        row = _row(model, arms[score.optimizer], score, (slow, seconds[score.optimizer].cost))
        table.add_row(*(Text(text) for text in row))
    return table


def gate_table(model: ReportModel) -> Table:
    """Return a row a gate; what a gate states that did not pass, and why not, stands below."""
    from rich.text import Text

    passed = sum(gate.passed for gate in model.gates)
    title = f"{model.title}: {passed} of {len(model.gates)} gates passed"
    failed = [f"• {gate.name}: {gate.message}. {gate.statement}" for gate in model.gates if not gate.passed]
    table = new_table(title, "\n".join(failed))
    table.add_column("gate", overflow="fold")
    for heading in ("expected", "measured", "tolerance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("passed")
    for gate in model.gates:
        cells = (gate.name, gate.expected_text, gate.measured_text, gate.tolerance_text)
        table.add_row(*map(Text, (*cells, "yes" if gate.passed else "NO")))
    return table


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


def _caption(model: ReportModel) -> list[str]:
    legend = (
        f"Problems: {len(model.problems)}, optimizers: {len(model.optimizers)}, seeds: {model.seeds}; "
        f"budget {model.budget}. 95 %: Wilson interval. evals, time: median over solved problems. "
        "slow: median of cost / best cost in evaluations (>½: more than half unsolved). state: largest. "
        "solved: share of trials; by class: problems that at least half of the seeds solve."
    )
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

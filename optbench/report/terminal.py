"""The report as a table for a terminal: whole in 100 columns, with fewer columns in a narrower one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import FAILED, Cell, ReportModel, ReportOptimizer, Score
from optbench.records.text import percent_range
from optbench.report.fitting import fitted, omitted
from optbench.report.notes import MARK
from optbench.report.tables import NAME, NUMBER, TEXT, fill, new_table
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
    state = ("state",) if _knows_state(model) else ()
    return fitted(partial(_table, model), (("95 %",), state, kinds, ("slow",), ("time",)), width)


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    target = model.target_near(TARGET) if model.targets else TARGET
    caption = "\n".join(_caption(model, left_out))
    table = new_table(f"{model.title}: solved to a relative gap of {target:.0e}", caption)
    styles = {"optimizer": NAME, **dict.fromkeys(_numbers(model), NUMBER), "failed": TEXT}
    return fill(table, styles, _rows(model, target), left_out if _knows_state(model) else left_out | {"state"})


def _numbers(model: ReportModel) -> tuple[str, ...]:
    kinds = (KINDS.get(kind, kind[:6]) for kind in dict.fromkeys(problem.kind for problem in model.problems))
    return ("solved", "95 %", *kinds, "evals", "slow", "time", "state")


def gate_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row a gate; what a gate states that did not pass, and why not, stands below."""
    return fitted(partial(_gates, model), (("tolerance",),), width)


def _gates(model: ReportModel, left_out: frozenset[str]) -> Table:
    passed = sum(gate.passed for gate in model.gates)
    title = f"{model.title}: {passed} of {len(model.gates)} gates passed"
    failed = [f"• {gate.name}: {gate.message}. {gate.statement}" for gate in model.gates if not gate.passed]
    styles = {"gate": TEXT, **dict.fromkeys(("expected", "measured", "tolerance"), NUMBER), "passed": {}}
    rows = (
        (gate.name, gate.expected_text, gate.measured_text, gate.tolerance_text, "yes" if gate.passed else "NO")
        for gate in model.gates
    )
    return fill(new_table(title, "\n".join(failed)), styles, rows, left_out)


def _rows(model: ReportModel, target: float) -> Iterator[list[str]]:
    """Yield the cells of each optimizer."""
    seconds = {score.optimizer: score for score in model.scores_at("seconds", target)}
    arms = {optimizer.id: optimizer for optimizer in model.optimizers}
    level = model.level_with_leader("evaluations", target)
    for score in model.scores_at("evaluations", target):
        slow = _slowdown(score) + (LEVEL if score.optimizer in level else "")
        yield _row(model, arms[score.optimizer], score, (slow, seconds[score.optimizer].cost))


def _row(model: ReportModel, optimizer: ReportOptimizer, score: Score, compared: tuple[str, float | None]) -> list[str]:
    cells = [cell for cell in model.cells if cell.optimizer == optimizer.id]
    kinds = [score.solved_by_kind[kind] for kind in score.solved_by_kind]
    slow, seconds = compared
    share = f"{100 * score.hits / score.trials:.0f} %" if score.trials else "–"
    interval = percent_range(score.low, score.high) if score.trials else ""
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


def _knows_state(model: ReportModel) -> bool:
    return _largest_state(model.cells) is not None


def _largest_state(cells: Iterable[Cell]) -> int | None:
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
        "slow: median of cost / best cost in evaluations (>½: more than half unsolved). "
        f"{'state: largest. ' if _knows_state(model) else ''}solved: share of trials; "
        "by class: problems that at least half of the seeds solve."
    )
    legend += omitted(left_out, _numbers(model))
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

"""What the page's template shows before any script runs: the table, the failures, the method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median_low
from typing import Any

from optbench.records import (
    ABLATION_HEADINGS,
    AREA_FACTOR,
    PAIRING_HEADINGS,
    SHIFTS,
    Environment,
    Failure,
    ReportModel,
    Score,
    SolvedCount,
)
from optbench.records.text import percent_range
from optbench_reporters.ablation_rows import groups
from optbench_reporters.learnt import learnt_matrices
from optbench_reporters.scaling_lines import scaling_rows
from optbench_reporters.tuning_rows import tuning_sections

MISSING = "–"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
STATUSES = ("target", "ok", "budget", "timeout", "diverged", "oom", "killed", "crashed", "error", "skipped")
STATUS_CLASS = {
    **{status: status for status in STATUSES},
    **dict.fromkeys(("target", "ok"), "finished"),
    **dict.fromkeys(("oom", "killed", "error"), "crashed"),
}  # status -> how it is coloured
FOLDED_FROM = 60  # failures: more share rows over problems
NAMED = 4


def page_variables(model: ReportModel, target: float) -> dict[str, Any]:
    """Return the template's variables; all text in them is escaped by the template."""
    names = {item.id: item.label for item in model.optimizers}
    folded = len(model.failures) > FOLDED_FROM
    return {
        "model": model,
        "target": power(target),
        "rows": [_row(model, score, names) for score in model.scores_at("evaluations", target)],
        "failures": folded_rows(model) if folded else failure_rows(model, model.failures),
        "folded": folded,
        "outcomes": outcome_rows(model),
        "ended": [status for status in STATUSES if any(status in cell.statuses for cell in model.cells)],
        "status_class": STATUS_CLASS,
        "headings": PAIRING_HEADINGS,
        "ablation_headings": ABLATION_HEADINGS,
        "ablations": groups(model),
        "tests": solved_by_test(model),
        "leader": next((names[row.leader] for row in model.versus if row.target == target), ""),
        "memory": scaling_rows(model, memory=True),
        "time": scaling_rows(model, memory=False),
        "tuning": tuning_sections(model),
        "learnt_matrices": learnt_matrices(model),
        "machine": machine(model.environment),
        "environment": environment_rows(model.environment),
        "shifts": ", ".join(f"{SHIFTS[measure]:g} {measure}" for measure in model.measures),
        "area": f"{AREA_FACTOR:g}",
        "doubted": any(cell.unreliable for cell in model.cells),
        "thresholds": any(cell.thresholds for cell in model.cells),
        "solved": any(score.hits for score in model.scores),
    }


def failure_rows(model: ReportModel, failures: Iterable[Failure]) -> list[dict[str, Any]]:
    """Return a row for each way in which an optimizer failed on a problem."""
    names = {item.id: item.label for item in model.optimizers}
    problems = {item.id: item.label for item in model.problems}
    return [
        {
            "optimizer": names[item.optimizer],
            "problem": problems[item.problem],
            "status": item.status,
            "message": item.message,
            "seeds": item.seeds,
            "trials": len(item.seeds),
        }
        for item in failures
    ]


def folded_rows(model: ReportModel) -> list[dict[str, Any]]:
    """Return a row for each way in which an optimizer failed, over all problems; the most frequent first."""
    alike: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in model.failures:
        alike.setdefault((failure.optimizer, failure.status, failure.message), []).append(failure)
    rows = []
    for found in alike.values():
        row = failure_rows(model, found)
        where = list(dict.fromkeys(item["problem"] for item in row))
        more = f" and {len(where) - NAMED} more" if len(where) > NAMED else ""
        total = sum(item["trials"] for item in row)
        rows.append({**row[0], "problem": ", ".join(where[:NAMED]) + more, "seeds": (), "trials": total})
    return sorted(rows, key=lambda row: -row["trials"])


def outcome_rows(model: ReportModel) -> list[dict[str, Any]]:
    """Return for each optimizer how many of its trials ended how."""
    counts: dict[str, Counter[str]] = {item.id: Counter() for item in model.optimizers}
    for cell in model.cells:
        counts[cell.optimizer].update(cell.statuses)
    return [
        {"id": item.id, "name": item.label, "counts": counts[item.id], "trials": counts[item.id].total()}
        for item in model.optimizers
    ]


def solved_by_test(model: ReportModel) -> dict[str, dict[str, SolvedCount]]:
    """Return for each optimizer, by test, how many of its problems it solves."""
    rows: dict[str, dict[str, SolvedCount]] = {}
    for count in model.solved:
        rows.setdefault(count.optimizer, {})[count.test] = count
    return rows


def power(target: float) -> str:
    """Return a power of ten as text, such as 10⁻⁵; another number as it is."""
    mantissa, exponent = f"{target:e}".split("e")
    return "10" + str(int(exponent)).translate(SUPERSCRIPTS) if float(mantissa) == 1 else f"{target:g}"


def machine(environment: Environment) -> str:
    """Return the machine in a few words."""
    return f"{environment.cpu}, {environment.cores} cores, {environment.memory / 2**30:.0f} GiB"


def environment_rows(environment: Environment) -> list[tuple[str, str]]:
    """Return what was measured on, name by value."""
    rows: Mapping[str, Any] = {
        "Machine": environment.machine,
        "Processor": machine(environment),
        "System": f"{environment.system}, {environment.architecture}",
        "Python": environment.python,
        "Libraries": ", ".join(f"{name} {version}" for name, version in sorted(environment.libraries.items())),
        "Commit": environment.commit,
        "Governor": environment.governor,
        "Load at the start": None if environment.load is None else f"{environment.load:.2g}",
        "Cores used": ", ".join(map(str, environment.affinity)),
        "Threads": ", ".join(f"{name}={value}" for name, value in environment.variables.items()),
    }
    return [(name, str(value)) for name, value in rows.items() if value]


def _row(model: ReportModel, score: Score, names: Mapping[str, str]) -> dict[str, Any]:
    cells = [cell for cell in model.cells if cell.optimizer == score.optimizer]
    statuses: Counter[str] = Counter()
    for cell in cells:
        statuses.update(cell.statuses)
    clock = model.scores_at("seconds", score.target)
    seconds = next((other.cost for other in clock if other.optimizer == score.optimizer), None)
    states = [cell.state_bytes for cell in cells if cell.state_bytes is not None]
    return {
        "id": score.optimizer,
        "name": names[score.optimizer],
        "solved": f"{100 * score.hits / score.trials:.0f} %" if score.trials else MISSING,
        "interval": percent_range(score.low, score.high),
        "slowdown": "> ½ unsolved" if score.slowdown is None else f"{score.slowdown:.3g}×",
        "wins": score.wins,
        "cost": MISSING if score.cost is None else f"{score.cost:,.0f}",
        "time": MISSING if seconds is None else f"{seconds:.3g} s",
        "state": f"{median_low(states):,} B" if states else MISSING,
        "statuses": ", ".join(f"{count} {status}" for status, count in statuses.items()),
    }

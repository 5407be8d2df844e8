"""What the page's template shows before any script runs: the table, the failures, the method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import median_low
from typing import Any

from optbench.records import AREA_FACTOR, PAIRING_HEADINGS, SHIFTS, Environment, ReportModel, Score, SolvedCount
from optbench_reporters.scaling import scaling_rows
from optbench_reporters.tuning import tuning_sections

SECTIONS = ("Overview", "Profiles", "Convergence", "Outcomes", "Method")
MISSING = "–"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def page_variables(model: ReportModel, target: float) -> dict[str, Any]:
    """Return the template's variables; all text in them is escaped by the template."""
    names = {item.id: item.label for item in model.optimizers}
    problems = {item.id: item.label for item in model.problems}
    rows = [_row(model, score, names) for score in model.scores_at("evaluations", target)]
    failures = [
        {"optimizer": names[item.optimizer], "problem": problems[item.problem], "failure": item}
        for item in model.failures
    ]
    return {
        "model": model,
        "target": power(target),
        "rows": rows,
        "failures": failures,
        "sections": _sections(model),
        "left_out": left_out(model),
        "headings": PAIRING_HEADINGS,
        "tests": solved_by_test(model),
        "leader": next((names[row.leader] for row in model.versus if row.target == target), ""),
        "memory": scaling_rows(model, memory=True),
        "time": scaling_rows(model, memory=False),
        "tuning": tuning_sections(model),
        "machine": machine(model.environment),
        "environment": environment_rows(model.environment),
        "learnt": {curve.problem for curve in model.learning},
        "curved": {curve.problem for curve in model.curves},
        "shifts": ", ".join(f"{SHIFTS[measure]:g} {measure}" for measure in model.measures),
        "area": f"{AREA_FACTOR:g}",
        "doubted": any(cell.unreliable for cell in model.cells),
        "thresholds": any(cell.thresholds for cell in model.cells),
        "solved": any(score.hits for score in model.scores),
    }


def left_out(model: ReportModel) -> frozenset[str]:
    """Return the sections that have nothing to say: rankings where nobody is ranked, curves where sizes are swept."""
    if model.ranking:
        return frozenset()
    return frozenset({"Overview", "Profiles", "Convergence"} if model.scaling else {"Overview", "Profiles"})


def _sections(model: ReportModel) -> tuple[str, ...]:
    first: dict[str, Any] = {"Gates": model.gates, "Pairs": model.comparisons}
    first |= {"Memory": scaling_rows(model, memory=True), "Time": scaling_rows(model, memory=False)}
    first |= {"Tuning": model.tuned, "Learning": model.learning}
    told = (name for name in SECTIONS if name not in left_out(model))
    return (*(name for name, rows in first.items() if rows), *told)


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
        "name": names[score.optimizer],
        "solved": f"{100 * score.hits / score.trials:.0f} %" if score.trials else MISSING,
        "interval": f"{100 * score.low:.0f}–{100 * score.high:.0f}",
        "slowdown": "> ½ unsolved" if score.slowdown is None else f"{score.slowdown:.3g}×",
        "wins": score.wins,
        "cost": MISSING if score.cost is None else f"{score.cost:,.0f}",
        "time": MISSING if seconds is None else f"{seconds:.3g} s",
        "state": f"{median_low(states):,} B" if states else MISSING,
        "statuses": ", ".join(f"{count} {status}" for status, count in statuses.items()),
    }

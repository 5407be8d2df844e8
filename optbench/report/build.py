"""`build_report`: records and traces of a suite → ReportModel."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optbench.analysis import log_grid
from optbench.records import (
    DEFAULT_TARGETS,
    Cell,
    Environment,
    Failure,
    ReportCurve,
    ReportModel,
    ReportOptimizer,
    ReportProblem,
    ScalingFit,
    ScalingPoint,
    SeedCurve,
    SuiteSpec,
    Target,
    TrialRecord,
)
from optbench.report.arms import arm_notes
from optbench.report.cells import (
    Place,
    SeedCosts,
    build_cell,
    build_curve,
    build_failures,
    build_seed_curves,
    rounded,
    seed_costs,
)
from optbench.report.gates import judge
from optbench.report.listing import case_of, list_optimizers, list_problems
from optbench.report.naming import Info, key_of
from optbench.report.notes import notes
from optbench.report.pairings import compare_pairings, count_solved
from optbench.report.runs import Axes, Reference, Run, Traces, load_run, reference
from optbench.report.scaling import build_scaling, not_projectable
from optbench.report.scores import Grid, build_scores
from optbench.report.versus import Pairs, build_versus

RELATIVE = "relative:"


@dataclass(frozen=True)
class _Goals:
    """What the optimizers of a suite are to reach."""

    gaps: Mapping[float, str]  # relative gap -> its name in records
    thresholds: tuple[str, ...]  # of metrics
    shared_start: bool  # whether gaps are measured from one value for all

    @classmethod
    def of(cls, suite: SuiteSpec) -> _Goals:
        thresholds = tuple(name for name in suite.targets if Target.parse(name).is_metric)
        return cls(_reachable_targets(suite), thresholds, shared_start=bool(suite.arms))


@dataclass
class _Parts:
    """What is collected problem by problem, so that only one problem's traces are in memory."""

    problems: list[ReportProblem] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    curves: list[ReportCurve] = field(default_factory=list)
    seed_curves: list[SeedCurve] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    costs: dict[tuple[str, str], SeedCosts] = field(default_factory=dict)  # by optimizer and problem
    thinned: int = 0  # runs whose event log was not kept whole


def build_report(
    suite: SuiteSpec,
    records: Sequence[TrialRecord],
    *,
    events: Traces,
    snapshots: Traces,
    environment: Environment,
    command: str,
    optimizer_info: Info,
    problem_info: Info,
    created: str,
    projections: Sequence[TrialRecord] = (),
) -> ReportModel:
    """Aggregate the merged `records` of a suite, and what was projected of its memory.

    `events(id)` and `snapshots(id)` return a trial's traces, None where there is none. `optimizer_info` and
    `problem_info` map qualified names to what their plugins say, and to the `defaults` of the options, which labels
    leave out. `created` is the date to print.
    """
    goals, axes = _Goals.of(suite), Axes(suite.weights, flops=any(record.cost for record in records))
    optimizers, cases = list_optimizers(suite, records, optimizer_info), list_problems(suite, records, problem_info)
    parts = _collected(_by_problem(records, cases, optimizers), (events, snapshots), goals, axes)
    model = ReportModel(
        name=suite.name,
        title=suite.title,
        summary=suite.summary,
        source=suite.source,
        created=created,
        command=command,
        environment=environment,
        budget=suite.budget.in_words,
        seeds=len({record.spec.seed for record in records}),
        targets=tuple(goals.gaps),
        measures=axes.measures,
        weights=suite.weights,
        optimizers=tuple(optimizers.values()),
        suite=json.loads(json.dumps(suite.to_json())),
        gates=judge(suite.gates, records, events),
        ranking=suite.ranking,
        arms=suite.arms,
        notes=(*arm_notes(suite, records, optimizer_info), *not_projectable(projections)),
    )
    model = _with_scores(_with_parts(model, parts, suite, records), parts)
    model = _with_scaling(model, build_scaling(suite.scaling, records, projections, optimizers, optimizer_info))
    return _with_pairs(model, suite, records, (optimizers, cases))


def _collected(
    by_problem: Iterable[tuple[ReportProblem, Mapping[ReportOptimizer, Sequence[TrialRecord]]]],
    traces: tuple[Traces, Traces],
    goals: _Goals,
    axes: Axes,
) -> _Parts:
    """Return what there is of each problem, whose runs are loaded one problem after the other."""
    parts = _Parts()
    for problem, rows in by_problem:
        runs = {arm: [load_run(record, *traces, axes) for record in row] for arm, row in rows.items()}
        _add_problem(parts, problem, runs, goals, axes)
    return parts


def reading_order(suite: SuiteSpec, records: Sequence[TrialRecord]) -> list[str]:
    """Return the ids of the trials in the order in which a report asks for their traces: by problem, by optimizer."""
    problems = {key_of((entry.use,)): index for index, entry in reversed(list(enumerate(suite.problems)))}
    arms = (key_of(entry.recipe) for entry in suite.optimizers)
    optimizers = {key: index for index, key in reversed(list(enumerate(arms)))}

    def place(record: TrialRecord) -> tuple[int, str, int]:
        problem = problems.get(key_of((record.spec.problem,)), len(problems))
        return problem, case_of(record).key, optimizers.get(key_of(record.spec.recipe), len(optimizers))

    return [record.id for record in sorted(records, key=place)]


def _with_parts(model: ReportModel, parts: _Parts, suite: SuiteSpec, records: Sequence[TrialRecord]) -> ReportModel:
    """Add what was collected, and what a reader should know of it."""
    before = notes(suite, records, model.optimizers, parts.problems, parts.cells, parts.thinned)
    return replace(
        model,
        problems=tuple(parts.problems),
        cells=tuple(parts.cells),
        curves=tuple(parts.curves),
        seed_curves=tuple(parts.seed_curves),
        failures=tuple(parts.failures),
        notes=(*before, *model.notes),
    )


def _with_scores(model: ReportModel, parts: _Parts) -> ReportModel:
    """Add how the optimizers rank, and who is ahead by more than noise."""
    ran = {(cell.optimizer, cell.problem): cell for cell in parts.cells if cell.seeds}
    scores = build_scores(Grid(model.optimizers, parts.problems, ran), model.measures, model.targets)
    pairs = Pairs(parts.problems, {where: parts.costs[where] for where in ran})
    return replace(model, scores=scores, versus=build_versus(pairs, scores, model.targets))


def _with_scaling(model: ReportModel, scaling: tuple[tuple[ScalingFit, ...], tuple[ScalingPoint, ...]]) -> ReportModel:
    """Add how figures grow with a size."""
    fits, points = scaling
    return replace(model, scaling=fits, scaling_points=points)


def _with_pairs(
    model: ReportModel,
    suite: SuiteSpec,
    records: Sequence[TrialRecord],
    shown: tuple[Mapping[str, ReportOptimizer], Mapping[str, ReportProblem]],
) -> ReportModel:
    """Add what the suite's pairings came to; `shown` are the optimizers and the problems by key."""
    if not suite.pairings:
        return model
    optimizers, problems = shown
    names = {key: optimizer.label for key, optimizer in optimizers.items()}
    repetitions = suite.repetitions
    solved = count_solved(
        suite.targets, records, names, lambda record: problems[case_of(record).key].label, repetitions
    )
    comparisons = compare_pairings(suite.pairings, records, names, repetitions)
    return replace(model, comparisons=comparisons, solved=solved)


def _reachable_targets(suite: SuiteSpec) -> dict[float, str]:
    """Return the accuracies but those beyond the one that ends the suite's trials: nobody was asked to reach them."""
    targets = _relative_targets(suite.targets) or _relative_targets(DEFAULT_TARGETS)
    ends = min(_relative_targets(suite.budget.targets), default=0.0)
    return {size: name for size, name in targets.items() if size >= ends} or targets


def _relative_targets(names: Iterable[str]) -> dict[float, str]:
    relative = {float(name.removeprefix(RELATIVE)): name for name in names if name.startswith(RELATIVE)}
    return {target: relative[target] for target in sorted(relative, reverse=True)}


def _by_problem(
    records: Iterable[TrialRecord], cases: Mapping[str, ReportProblem], optimizers: Mapping[str, ReportOptimizer]
) -> Iterator[tuple[ReportProblem, dict[ReportOptimizer, list[TrialRecord]]]]:
    """Yield each problem with the trials of each optimizer that was run on it, in the order of both."""
    cells: dict[tuple[str, str], list[TrialRecord]] = defaultdict(list)
    for record in records:
        cells[case_of(record).key, key_of(record.spec.recipe)].append(record)
    for case, problem in cases.items():
        yield problem, {arm: cells[case, key] for key, arm in optimizers.items() if (case, key) in cells}


def _add_problem(
    parts: _Parts, problem: ReportProblem, runs: Mapping[ReportOptimizer, list[Run]], goals: _Goals, axes: Axes
) -> None:
    every = [run for rows in runs.values() for run in rows]
    anchor = replace(reference([run.record for run in every], every), shared=goals.shared_start)
    problem = _with_reference(problem, anchor, flops=any(run.record.cost for run in every))
    parts.problems.append(problem)
    parts.thinned += sum(not run.complete for run in every)
    grid = log_grid(1, max((run.end for run in every), default=1))
    for optimizer, rows in runs.items():
        place = Place(optimizer.id, problem.id, anchor, goals.gaps, axes, goals.thresholds)
        costs = parts.costs[optimizer.id, problem.id] = seed_costs(place, rows)
        parts.cells.append(build_cell(place, rows, costs))
        parts.failures.extend(build_failures(place, rows))
        curve = build_curve(place, rows, grid)
        if curve is not None:
            parts.curves.append(curve)
            parts.seed_curves.extend(build_seed_curves(place, rows))


def _with_reference(problem: ReportProblem, anchor: Reference, *, flops: bool) -> ReportProblem:
    return replace(problem, f0=rounded(anchor.f0), f_star=anchor.f_star, reference=anchor.source, flops=flops)

"""Made-up results with known answers: no number in them means anything."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from optbench.records import (
    EVENT_COLUMNS,
    SNAPSHOT_COLUMNS,
    Component,
    Entry,
    Environment,
    ReportModel,
    Status,
    SuiteSpec,
    Trace,
    TrialRecord,
    TrialSpec,
)
from optbench.report import build_report

TARGETS = ("relative:1e-01", "relative:1e-03", "relative:1e-05", "relative:1e-08")

ENVIRONMENT = Environment(
    machine="bench",
    system="Linux",
    architecture="x86_64",
    cpu="Imaginary 9000",
    cores=4,
    memory=8 * 10**9,
    python="3.11.2",
    libraries={"torch": "2.13.0", "numpy": "2.1.0"},
    commit="abc1234",
)


def events_of(evaluations, values, seconds=None, gradients=None, flops=None) -> Trace:
    """Return an event log with these columns, zeros elsewhere."""
    columns = {name: [0.0] * len(values) for name in EVENT_COLUMNS}
    columns["value_count"] = list(evaluations)
    columns["gradient_count"] = list(evaluations if gradients is None else gradients)
    columns["seconds"] = [0.001 * count for count in evaluations] if seconds is None else list(seconds)
    columns["value"] = list(values)
    columns["flops"] = [0.0] * len(values) if flops is None else list(flops)
    return Trace.from_columns(columns)


def snapshots_of(evaluations, values, flops=None) -> Trace:
    """Return snapshots with an "f" column."""
    columns = {name: [0.0] * len(values) for name in SNAPSHOT_COLUMNS}
    columns |= {"evaluations": list(evaluations), "gradient_count": list(evaluations)}
    columns |= {"seconds": [0.001 * count for count in evaluations], "f": list(values)}
    columns["flops"] = [0.0] * len(values) if flops is None else list(flops)
    return Trace.from_columns(columns)


@dataclass
class Results:
    """Trials with their traces, and what `build_report` is told about them."""

    problems: list[Entry] = field(default_factory=list)
    optimizers: list[Entry] = field(default_factory=list)
    records: list[TrialRecord] = field(default_factory=list)
    events: dict[str, Trace] = field(default_factory=dict)
    snapshots: dict[str, Trace] = field(default_factory=dict)
    optimizer_info: dict[str, dict] = field(default_factory=dict)
    problem_info: dict[str, dict] = field(default_factory=dict)
    targets: tuple[str, ...] = TARGETS
    weights: dict[str, float] = field(default_factory=dict)

    def add(
        self, optimizer, problem, trace=None, *, meta=(), seed=0, repetition=0, status=Status.BUDGET, **fields
    ) -> TrialRecord:
        """Add a trial of components given by name or as Component; `trace` is its events or its snapshots."""
        optimizer, problem = _component(optimizer), _component(problem)
        meta = tuple(map(_component, meta))
        spec = TrialSpec(problem=problem, optimizer=optimizer, meta_algorithms=meta, seed=seed, repetition=repetition)
        if trace is not None and "f0" not in fields:
            fields["f0"] = next(value for value in (trace["f"] if "f" in trace.columns else trace["value"]))
        fields.setdefault("size", 10)
        fields.setdefault("scored_at_snapshots", fields.get("batch_size") is not None)
        record = TrialRecord(spec=spec, status=status, counts=fields.pop("counts", {"gradient": 5}), **fields)
        self.records.append(record)
        if trace is not None:
            (self.snapshots if "f" in trace.columns else self.events)[record.id] = trace
        for entries, entry in (
            (self.problems, Entry(use=problem)),
            (self.optimizers, Entry(use=optimizer, meta_algorithms=meta)),
        ):
            if entry not in entries:
                entries.append(entry)
        return record

    def report(self, *, gates=(), pairings=(), ranking=True, arms=(), **changes) -> ReportModel:
        """Return the report of these results."""
        suite = SuiteSpec(
            name="made-up",
            title="Made-up suite",
            problems=tuple(self.problems),
            optimizers=tuple(self.optimizers),
            targets=self.targets,
            weights=self.weights,
            gates=gates,
            pairings=pairings,
            ranking=ranking,
            arms=arms,
        )
        arguments = {
            "events": self.events.get,
            "snapshots": self.snapshots.get,
            "environment": ENVIRONMENT,
            "command": "optbench suite made-up",
            "optimizer_info": self.optimizer_info,
            "problem_info": self.problem_info,
            "created": "2026-01-31",
        }
        return build_report(suite, self.records, **{**arguments, **changes})


def _component(given) -> Component:
    return given if isinstance(given, Component) else Component(name=given)


def full_results(seeds: int = 3, problems: int = 9, *, flops: bool = False) -> Results:
    """Return results of eight optimizers on deterministic and stochastic problems, with failures of several kinds.

    `flops`: trials on learning problems know their model FLOPs.
    """
    random = np.random.default_rng(7)
    results = Results()
    families = {"descent": 3.2, "quasinewton": 1.9, "newton": 1.3, "stochastic": 2.8}
    arms = [
        (Component(name="descent/gd", options={"lr": 0.1}), (), "descent", "O(n)", 8),
        (Component(name="descent/nesterov", options={"lr": 0.1}), (), "descent", "O(n)", 16),
        (Component(name="quasinewton/bfgs"), (), "quasinewton", "O(n^2)", 800),
        (Component(name="quasinewton/lbfgs", options={"history": 10}), (), "quasinewton", "O(m n)", 160),
        (Component(name="quasinewton/lbfgs", options={"history": 5}), (), "quasinewton", "O(m n)", 80),
        (Component(name="newton/newton-cg"), (), "newton", "O(n)", 24),
        (Component(name="stochastic/adam"), (), "stochastic", "O(n)", 16),
        (Component(name="stochastic/sgd"), (Component(name="meta/polyak"),), "stochastic", "O(n)", 16),
    ]
    results.optimizer_info = {
        part.name: {
            "family": family,
            "summary": f"The method {part.short}.",
            "state_memory": order,
            "cite": "Someone, 1970",
        }
        for part, _, family, order, _ in arms
    }
    results.optimizer_info["quasinewton/lbfgs"]["defaults"] = {"history": 10}
    kinds = ("quadratic", "convex", "nonconvex", "learning")
    for index in range(problems):
        kind = kinds[index % 4]
        problem = Component(name=f"functions/{kind}-{index}", options={"n": 10 * (index + 1)})
        results.problem_info[problem.name] = {"kind": kind, "summary": "A made-up problem."}
        hard = random.normal(0, 0.3)
        for arm, (part, meta, family, _, state) in enumerate(arms):
            for seed in range(seeds):
                log_cost = families[family] + hard + 0.1 * arm * random.uniform(0.5, 1) + random.normal(0, 0.08)
                _add_trial(
                    results, (part, meta, problem), seed, 10**log_cost, random, kind, state * 10 * (index + 1), flops
                )
    return results


def _add_trial(results, parts, seed, cost, random, kind, state, flops) -> None:
    part, meta, problem = parts
    counts = np.unique(np.geomspace(1, 10_000, 120).round())
    gaps = 10 ** (-8 * np.minimum(counts / cost, 4) ** 0.9)
    gaps[0] = 1.0
    status, message, stop = Status.BUDGET, "", len(counts)
    if gaps.min() <= 1e-9:
        status, stop = Status.TARGET, int(np.argmax(gaps <= 1e-9)) + 1
    if kind == "nonconvex" and part.short in ("gd", "newton-cg") and random.random() < 0.6:
        status, stop = Status.DIVERGED, max(8, stop // 3)
    elif kind == "learning" and part.short == "bfgs" and seed == 1:
        status, stop, message = Status.ERROR, 20, "LinAlgError: matrix is not positive definite"
    counts, gaps = counts[:stop], gaps[:stop]
    reached = {
        name: next((c for c, g in zip(counts, gaps, strict=True) if g <= float(name[9:])), None) for name in TARGETS
    }
    stochastic = kind == "learning"
    spent = 1e4 * (1 + len(part.short)) * counts if flops else None
    trace = snapshots_of(counts, 2 * gaps + 1, spent) if stochastic else events_of(counts, 2 * gaps + 1)
    results.add(
        part,
        problem,
        trace,
        meta=[item.name for item in meta],
        seed=seed,
        status=status,
        message=message,
        f_star=1.0,
        f_star_source="exact",
        f_best=2 * float(gaps[-1]) + 1,
        batch_size=32 if stochastic else None,
        size=problem.options["n"],
        evaluations=int(counts[-1]),
        cost=float(spent[-1]) if flops and stochastic else None,
        seconds=0.001 * float(counts[-1]),
        evaluations_to_target=reached,
        seconds_to_target={name: None if c is None else 0.001 * c for name, c in reached.items()},
        state_bytes=state,
        peak_live_bytes=3 * state,
        metrics={"test-accuracy": 0.9 + 0.01 * seed} if stochastic else {},
        unreliable=("jobs: times measured with 3 trials at once; use --jobs 1 for times",) if seed == 0 else (),
    )

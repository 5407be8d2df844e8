"""A trial: what is to be run (TrialSpec), how it ended (Status) and what was measured (TrialRecord)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Self

from optbench.records.canonical import content_hash, plain, without_nonfinite
from optbench.records.stage import Account, StageRecord, account

Pass = Literal["time", "memory", "metrics", "projection"]


class Status(StrEnum):
    """How a trial ended; each is final."""

    OK = "ok"  # converged or stalled, or `minimize` returned; the word stands in `reason`
    TARGET = "target"
    BUDGET = "budget"  # counted or clocked
    TIMEOUT = "timeout"  # hard wall limit
    DIVERGED = "diverged"  # a published point or its value not finite, or unbounded
    OOM = "oom"
    KILLED = "killed"  # SIGKILL that was not ours
    CRASHED = "crashed"  # another signal, or an exit without a result
    ERROR = "error"  # an exception; the traceback is kept
    SKIPPED = "skipped"  # never ran; the reason says why


@dataclass(frozen=True, kw_only=True)
class Component:
    """A plugin by its qualified name with every option resolved."""

    name: str  # "plugin/name", or "module:Class"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """The name without its plugin."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What ends a trial; None or empty means no limit. Counts are the oracle's, seconds the paused clock's."""

    evaluations: int | None = None  # the largest of the counted kinds
    steps: int | None = None
    examples: int | None = None
    flops: float | None = None  # model FLOPs
    seconds: float | None = None
    targets: tuple[str, ...] = ()  # "relative:1e-08", "absolute:1e-10", "gradient:1e-06": ends once all are reached

    @property
    def in_words(self) -> str:
        """What ends a trial: "10,000 evaluations or 60 s"."""
        counts = {"evaluations": self.evaluations, "steps": self.steps, "examples": self.examples}
        limits = [f"{limit:,} {unit}" for unit, limit in counts.items() if limit is not None]
        limits += [f"{self.flops:g} model FLOPs"] if self.flops is not None else []
        limits += [f"{self.seconds:g} s"] if self.seconds is not None else []
        limits += [f"reaching {', '.join(self.targets)}"] if self.targets else []
        return " or ".join(limits) or "no limit"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the budget that `asdict` described."""
        return cls(**{**data, "targets": tuple(data["targets"])})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Hard limits on the child's process group: no part of a trial's identity."""

    seconds: float | None = None  # on the clock of the loop; None: follows from the budget's seconds
    memory: int | None = None  # bytes; None: nine tenths of what the machine has free


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One trial with everything resolved; its hash names it."""

    problem: Component
    optimizer: Component
    meta_algorithms: tuple[Component, ...] = ()
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float64"
    threads: int = 1
    repetition: int = 0
    budget: Budget = Budget()

    @property
    def recipe(self) -> tuple[Component, ...]:
        """The optimizer with its meta-algorithms."""
        return (self.optimizer, *self.meta_algorithms)

    @cached_property
    def id(self) -> str:
        """Hash of the canonical JSON."""
        return content_hash(self.to_json())

    @cached_property
    def memory_id(self) -> str:
        """The identity of the memory pass: once for each problem, recipe, options, device and dtype."""
        shared = self.to_json()
        for key in ("seed", "repetition", "budget", "threads"):
            del shared[key]
        return content_hash(shared)

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        data = plain(self)
        if self.budget.flops is None:  # a trial's hash stays what it was before there was this limit
            del data["budget"]["flops"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the trial that `to_json` described."""
        return cls(
            problem=Component(**data["problem"]),
            optimizer=Component(**data["optimizer"]),
            meta_algorithms=tuple(Component(**item) for item in data["meta_algorithms"]),
            seed=data["seed"],
            device=data["device"],
            dtype=data["dtype"],
            threads=data["threads"],
            repetition=data["repetition"],
            budget=Budget.from_json(data["budget"]),
        )


CONDITIONS = (  # what is noted beside a timed loop; times in seconds
    "load",  # average number of processes that ran or wanted to, over a minute
    "cores",  # processors of the machine
    "preemptions",  # how often it lost its processor
    "waiting",  # seconds that its threads wanted a processor and had none, over the loop's wall seconds
    "reference_before",  # the reference kernel's time
    "reference_after",
    "reference_baseline",  # the first quartile of its times in the run so far
    "harness",  # what the harness costs a step, nearly all of it off the clock
    "bias",  # what of that stays on the clock
    "warm",  # whether steps ran beforehand to warm up (1) or not (0)
)

# What the memory pass measures of a trial; the time pass leaves them out.
MEMORY_FIELDS = (
    "problem_bytes",
    "state_bytes",
    "peak_live_bytes",
    "transient_bytes",
    "peak_process_bytes",
    "peak_device_bytes",
    "memory_note",
)

# What counts as memory beyond tensors.
NOISE_OF_PAGES = 2 * 2**20  # bytes of a process: below, its growth is small objects and fragments
SHARE_BEYOND = 0.25  # of the exact peak

# Kinds of evaluation that are counted; the minimum on a line counts as a Hessian-vector product.
EVALUATED = ("value", "gradient", "hessian_vector", "hessian", "residuals", "jacobian")
COUNTED = (*EVALUATED, "examples", "steps")


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """What was measured of a trial; a field that was not measured stays None or empty."""

    spec: TrialSpec
    status: Status
    reason: str = ""
    message: str = ""
    traceback: str = ""
    size: int | None = None
    batch_size: int | None = None  # None: full batch
    f0: float | None = None  # full objective at the problem's standard start
    f_best: float | None = None  # at the scored point
    f_star: float | None = None
    f_star_source: str = ""
    f_star_from_start: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)  # keys: COUNTED
    stages: tuple[StageRecord, ...] = ()  # that were begun
    evaluations: int | None = None
    evaluations_to_target: Mapping[str, float | None] = field(default_factory=dict)
    seconds_to_target: Mapping[str, float | None] = field(default_factory=dict)
    scored_at_snapshots: bool = False  # the log's values are not the objective at the scored point
    weighted_cost: float | None = None  # Σ weight·count, with the weights that a suite declares; None where it doesn't
    weighted_cost_to_target: Mapping[str, float | None] | None = None
    cost: float | None = None  # model FLOPs; None where the problem states none
    seconds: float | None = None
    cpu_seconds: float | None = None
    device_seconds: float | None = None  # by the device's own marks; None on the CPU
    evaluation_seconds: float | None = (
        None  # of `seconds`, what evaluations took; None on devices that work asynchronously
    )
    problem_bytes: int | None = None  # tensors of the problem and its start, before there is an optimizer
    state_bytes: int | None = None  # kept between steps, the published point left out; the most after any step
    peak_live_bytes: int | None = None  # what came alive after `init` began, at its peak
    transient_bytes: int | None = None  # of that peak, what was neither state nor published point after its step
    peak_process_bytes: int | None = None  # growth of the process's resident memory, at its peak
    peak_device_bytes: int | None = None  # growth of what the device's allocator has handed out, at its peak
    memory_note: str = ""  # why a figure is missing
    unreliable: tuple[str, ...] = ()  # why not to believe the times: "kind: what was seen; what to do"
    conditions: Mapping[str, float | None] = field(default_factory=dict)  # beside the loop; keys: CONDITIONS
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # at the scored point
    wall: Mapping[str, float] = field(default_factory=dict)  # wall seconds of the pass by part: child, setup, loop

    @property
    def id(self) -> str:
        """The trial's identity."""
        return self.spec.id

    @property
    def stage_counts(self) -> tuple[Mapping[str, int], ...]:
        """The counts of each stage that was begun."""
        return tuple(stage.counts for stage in self.stages)

    @property
    def curve_stages(self) -> tuple[int, ...]:
        """The stages whose values in the log are the objective's."""
        return tuple(index for index, stage in enumerate(self.stages) if stage.on_curve) if self.stages else (0,)

    @property
    def target_task(self) -> Account | None:
        """What the task itself cost, without a teacher or another task before it; None where there is none."""
        if not any(stage.prior for stage in self.stages):
            return None
        return account((stage for stage in self.stages if not stage.prior), EVALUATED)

    @property
    def f_reference(self) -> float | None:
        """Where descent from the standard start ends, if that is known; else f*."""
        return self.f_star if self.f_star_from_start is None else self.f_star_from_start

    @property
    def relative_accuracy(self) -> float | None:
        """(f_best − f*)/(f0 − f*), with f* where descent from the standard start ends, where that is known."""
        f_star = self.f_reference
        if self.f_best is None or self.f0 is None or f_star is None or self.f0 == f_star:
            return None
        return (self.f_best - f_star) / (self.f0 - f_star)

    @property
    def step_seconds(self) -> float | None:
        """Seconds a step beyond the evaluations; of a solver that owns its loop, an iteration."""
        steps = self.counts.get("steps", 0)
        if self.seconds is None or self.evaluation_seconds is None or not steps:
            return None
        return max(0.0, self.seconds - self.evaluation_seconds) / steps

    @property
    def bytes_beyond_tensors(self) -> int:
        """By how much the process grew beyond the exact peak; 0 where that is noise or not known, and off the host."""
        process, exact = self.peak_process_bytes, self.peak_live_bytes
        if process is None or exact is None or self.peak_device_bytes is not None:
            return 0
        beyond = process - exact
        return beyond if beyond > max(NOISE_OF_PAGES, exact * SHARE_BEYOND) else 0

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return {**plain(self), "status": str(self.status)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the record that `to_json` described."""
        fields = dict(data)
        fields["spec"] = TrialSpec.from_json(fields["spec"])
        fields["status"] = Status(fields["status"])
        fields["stages"] = tuple(map(StageRecord.from_json, _stages(fields)))
        fields["unreliable"] = tuple(fields.get("unreliable", ()))
        return cls(**fields)

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json` (architecture §6): flat, None for what is not finite or not measured."""
        row = self.to_json()
        spec = row.pop("spec")
        for inner in ("traceback", "wall", "scored_at_snapshots"):
            del row[inner]
        own = self.target_task
        flat = {
            "id": self.id,
            "problem": spec["problem"]["name"],
            "problem_options": spec["problem"]["options"],
            "optimizer": spec["optimizer"]["name"],
            "options": spec["optimizer"]["options"],
            "meta_algorithms": list(spec["meta_algorithms"]),
            **{key: spec[key] for key in ("seed", "repetition", "device", "dtype", "threads")},
            **row,
            "stage_counts": list(self.stage_counts),
            "target_task": None if own is None else plain(own),
            "relative_accuracy": self.relative_accuracy,
            "step_seconds": self.step_seconds,
        }
        finite_only: dict[str, Any] = without_nonfinite(flat)
        return finite_only


def _stages(fields: dict[str, Any]) -> list[Mapping[str, Any]]:
    """Take the stages out of a record's JSON; results that were stored before stages had names have counts alone."""
    counts, on_curve = fields.pop("stage_counts", ()), fields.pop("curve_stages", (0,))
    if "stages" in fields:
        return list(fields["stages"])
    return [{"on_curve": index in on_curve, "counts": each} for index, each in enumerate(counts)]

"""A job: what a child process is told, so that it needs no registry. One job is one pass of one trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from optbench.records.stage import StageFacts
from optbench.records.trial import Pass, TrialSpec

Factories = Mapping[str, tuple[str, Mapping[str, Any]]]  # name -> factory and its options
Rehearsals = tuple[Mapping[str, Any], ...]  # options of a problem, each at a small size


@dataclass(frozen=True, kw_only=True)
class Job:
    """One pass of one trial, with the factories ("package.module:Name") behind its names."""

    spec: TrialSpec
    pass_: Pass
    problem_factory: str
    optimizer_factory: str
    meta_factories: tuple[str, ...] = ()
    named_factories: Factories = field(default_factory=dict)  # option of the problem -> what makes what it names
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)  # of the problem's options
    metric_factories: Factories = field(default_factory=dict)  # column -> factory
    declared: tuple[str, ...] = ()  # evaluations; empty: all
    plugin_files: Mapping[str, str] = field(default_factory=dict)  # module name -> path
    folder: str = ""  # where the child writes: events, snapshots, facts.json, result.json
    meter_factories: tuple[str, ...] = ()  # the plugins' `optbench_make_meter`
    dataset_modules: Mapping[str, str] | None = None  # plugins with data sets -> modules; None: what is installed
    warm_up: bool = True  # whether a few steps run before the timed loop, on parts of their own
    rehearsals: Rehearsals = ()  # of a projection
    memory_limit: int | None = None  # bytes beyond what the child has mapped at its start

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return {**asdict(self), "spec": self.spec.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the job that `to_json` described."""
        fields = dict(data)
        fields["spec"] = TrialSpec.from_json(fields["spec"])
        fields["meta_factories"] = tuple(fields["meta_factories"])
        fields["meter_factories"] = tuple(fields["meter_factories"])
        fields["declared"] = tuple(fields["declared"])
        fields["rehearsals"] = tuple(fields["rehearsals"])
        fields["bounds"] = {name: tuple(ends) for name, ends in fields.get("bounds", {}).items()}
        for key in ("named_factories", "metric_factories"):
            fields[key] = {name: (factory, options) for name, (factory, options) in fields[key].items()}
        return cls(**fields)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known once a trial's problem is built: written before the loop, so that a killed trial keeps it."""

    size: int
    batch_size: int | None
    stochastic: bool
    readout: bool
    stages: tuple[StageFacts, ...] = (StageFacts(),)
    judged_otherwise: bool = False  # whether a stage's points are measured by another problem than its own
    f0: float | None
    f_star: float | None
    f_star_source: str
    f_star_from_start: float | None

    @property
    def curve_stages(self) -> tuple[int, ...]:
        """The stages whose values are the objective's."""
        return tuple(index for index, stage in enumerate(self.stages) if stage.on_curve)

    @property
    def f_reference(self) -> float | None:
        """Where descent from the start ends, if that is known; else f*."""
        return self.f_star if self.f_star_from_start is None else self.f_star_from_start

    @property
    def scored_at_snapshots(self) -> bool:
        """Whether the event log's values are not the objective at the scored point."""
        return self.stochastic or self.readout or self.judged_otherwise

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the facts that `to_json` described."""
        return cls(**{**data, "stages": tuple(StageFacts(**stage) for stage in data["stages"])})

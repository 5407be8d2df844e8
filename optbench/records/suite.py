"""A suite after its file was read: what to cross with what, and within which budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from optbench.records.ablation import Ablation
from optbench.records.gate import Gate
from optbench.records.pairing import Pairing
from optbench.records.scaling import BYTES
from optbench.records.space import Dimension, Space
from optbench.records.trial import Budget, Component, Limits
from optbench.records.tuning import Tuning, Yardstick

DEFAULT_TARGETS = (
    "relative:1e-01",
    "relative:1e-03",
    "relative:1e-05",
    "relative:1e-08",
    "relative:1e-10",
    "absolute:1e-10",
    "gradient:1e-06",
)
LEAST_SIZES = 3  # of a sweep: two always lie on a line


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One problem, or one optimizer with its meta-algorithms; entries of a common group meet."""

    use: Component
    meta_algorithms: tuple[Component, ...] = ()
    groups: tuple[str, ...] = ("main",)
    budget: Budget | None = None  # of this problem; None: the suite's
    dtype: str | None = None  # of this problem; None: the suite's dtypes
    space: Space = ()  # of this optimizer: what is tuned
    select: Yardstick | None = None  # of this problem: what settings are chosen by; None: the tuning's
    score: Yardstick | None = None

    @property
    def recipe(self) -> tuple[Component, ...]:
        """The optimizer with its meta-algorithms."""
        return (self.use, *self.meta_algorithms)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the entry that `asdict` described."""
        return cls(
            use=Component(**data["use"]),
            meta_algorithms=tuple(Component(**item) for item in data["meta_algorithms"]),
            groups=tuple(data["groups"]),
            budget=None if data["budget"] is None else Budget.from_json(data["budget"]),
            dtype=data["dtype"],
            space=tuple(map(Dimension.from_json, data.get("space", ()))),
            select=_yardstick(data.get("select")),
            score=_yardstick(data.get("score")),
        )


def _yardstick(data: Mapping[str, Any] | None) -> Yardstick | None:
    return None if data is None else Yardstick(**data)


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """What is swept: figures are fitted as powers of the problem's size, which follows from one of its options."""

    option: str = "n"
    quantities: tuple[str, ...] = ("state_bytes", "peak_live_bytes")
    project: tuple[int, ...] = ()  # values of the option that are not run; beyond an optimizer's largest one

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the record that `asdict` described."""
        return cls(option=data["option"], quantities=tuple(data["quantities"]), project=tuple(data["project"]))

    @property
    def bytes_of(self) -> tuple[str, ...]:
        """The quantities that are memory."""
        return tuple(name for name in self.quantities if name in BYTES)


@dataclass(frozen=True, kw_only=True)
class SuiteSpec:
    """Everything that a suite file says, names qualified, options resolved and grids expanded."""

    name: str
    title: str
    summary: str = ""
    source: str = ""  # the file that it came from
    problems: tuple[Entry, ...]
    optimizers: tuple[Entry, ...]
    seeds: tuple[int, ...] = (0,)
    repetitions: int = 1
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = ("float64",)
    threads: int = 1
    budget: Budget = Budget()
    limits: Limits = Limits()
    targets: tuple[str, ...] = DEFAULT_TARGETS  # what is scored, whether or not it ends a trial
    metrics: tuple[str, ...] = ()  # qualified names; evaluated on snapshots
    memory: bool = True  # whether the memory pass runs
    weights: Mapping[str, float] = field(default_factory=dict)  # kind of COUNTED -> weight in costs; empty: no costs
    gates: tuple[Gate, ...] = ()  # what must come out
    pairings: tuple[Pairing, ...] = ()  # who is compared with whom
    ablations: tuple[Ablation, ...] = ()  # arms that differ in one factor
    scores: tuple[
        Yardstick, ...
    ] = ()  # what their effects are measured by; empty: the tuning's score, or the objective
    scaling: Scaling | None = None
    tuning: Tuning | None = None
    ranking: bool = True  # whether reports rank the optimizers by what they solve
    arms: tuple[str, ...] = ()  # options of problems that reports compare as they compare optimizers

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the suite that `to_json` described."""
        fields = dict(data)
        for key in ("problems", "optimizers"):
            fields[key] = tuple(Entry.from_json(item) for item in fields[key])
        for key in ("seeds", "devices", "dtypes", "targets", "metrics"):
            fields[key] = tuple(fields[key])
        fields["arms"] = tuple(fields.get("arms", ()))
        fields["gates"] = tuple(Gate.from_json(item) for item in fields.get("gates", ()))
        fields["pairings"] = tuple(Pairing.from_json(item) for item in fields.get("pairings", ()))
        fields["ablations"] = tuple(Ablation.from_json(item) for item in fields.get("ablations", ()))
        fields["scores"] = tuple(Yardstick(**item) for item in fields.get("scores", ()))
        fields["budget"] = Budget.from_json(fields["budget"])
        fields["limits"] = Limits(**fields["limits"])
        fields["tuning"] = None if fields.get("tuning") is None else Tuning.from_json(fields["tuning"])
        fields["scaling"] = None if fields.get("scaling") is None else Scaling.from_json(fields["scaling"])
        return cls(**fields)

"""A trial's stages: what they are, and what each one cost and came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class StageFacts:
    """What is known of a stage before it runs."""

    name: str = "main"
    on_curve: bool = True  # whether its values are the trial's objective
    prior: bool = False  # whether it is done before the task begins: a teacher, another task


@dataclass(frozen=True, kw_only=True)
class StageRecord(StageFacts):
    """What a stage cost, and how it ended. A stage that was never begun has none."""

    first_event: int = 0  # how many evaluations were logged before it
    counts: Mapping[str, int] = field(default_factory=dict)  # keys: COUNTED
    flops: float | None = None  # None where its model states none
    seconds: float | None = None
    cpu_seconds: float | None = None
    value: float | None = None  # of its own objective, over all examples, where it ended
    reason: str = ""  # why it ended: "converged", "evaluations", …

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the stage that `asdict` described."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a part of a trial's stages cost."""

    evaluations: int  # the largest of the counted kinds
    examples: int
    flops: float | None
    seconds: float | None


def account(stages: Iterable[StageRecord], kinds: Iterable[str]) -> Account:
    """Return what the stages cost together; FLOPs and seconds are None where one of them does not know its own."""
    listed = tuple(stages)
    counted = {kind: sum(stage.counts.get(kind, 0) for stage in listed) for kind in (*kinds, "examples")}
    return Account(
        examples=counted.pop("examples"),
        evaluations=max(counted.values(), default=0),
        flops=_sum(stage.flops for stage in listed),
        seconds=_sum(stage.seconds for stage in listed),
    )


def _sum(parts: Iterable[float | None]) -> float | None:
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)

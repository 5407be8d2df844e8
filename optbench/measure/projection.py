"""Memory at sizes that nobody can run, worked out without running: exact bytes under fake tensors.

Fake tensors have shapes and storages but no numbers, so that what the host reads of them (a value, a slope, whether a
factorisation failed) does not exist. A small run of the same recipe is recorded first; at the large size its reads are
answered with the recorded ones, one after the other: the control flow is that of a real run. Where the two do not line
up the size is not projectable, with the reason; a figure is never made up. Bytes that follow from numbers (rows for
entries above a bound) line up, too: hence two small runs of different sizes, whose courses must give the same bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from optbench.api import Refused
from optbench.measure.factories import build
from optbench.measure.memory_pass import exact_level
from optbench.records import Budget, Component, Job, Status, TrialRecord

# Steps only: under fake tensors, seconds mean nothing.
BUDGET = Budget(steps=30)

_FIGURES = ("problem_bytes", "state_bytes", "peak_live_bytes", "transient_bytes")

# Operations that give the host numbers of a tensor.
_READS = frozenset(
    {
        "item",
        "tolist",
        "equal",
        "allclose",
        "is_nonzero",
        *(f"__{name}__" for name in ("bool", "int", "float", "complex", "index", "contains", "format")),
    }
)


@dataclass(frozen=True)
class Read:
    """What the host read."""

    operation: str
    answer: Any


class Recorder(TorchFunctionMode):
    """Notes what the host reads of tensors."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        super().__init__()
        self.reads: list[Read] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation."""
        answer = func(*args, **(kwargs or {}))
        if _name(func) in _READS:
            self.reads.append(Read(_name(func), answer))
        return answer


class Replay(TorchFunctionMode):
    """Answers what the host reads of tensors as it was answered before."""

    def __init__(self, reads: list[Read]) -> None:
        """Begin with the first of `reads`."""
        super().__init__()
        self.reads, self.position = reads, 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, or answer it; raises Refused where another one was recorded."""
        name = _name(func)
        if name not in _READS:
            return _dense(func(*args, **(kwargs or {})))
        if self.position == len(self.reads):
            message = f"it reads more of its tensors than at the small size ({name}, after {self.position})"
            raise Refused(message)
        read = self.reads[self.position]
        self.position += 1
        numbers = args[0].numel() if name == "tolist" else 0
        if read.operation != name or (numbers and numbers != _length(read.answer)):
            message = f"read {self.position} of its tensors is {name}, not {read.operation} as at the small size"
            raise Refused(message)
        return read.answer


def project(job: Job) -> TrialRecord:
    """Return the exact bytes at the job's size, which is not run; `job.rehearsals` are the options of small ones.

    Raises Refused where that can't be.
    """
    first, *others = [_projected(job, _rehearsed(job, options)) for options in job.rehearsals]
    for other in others:
        _require_same(first, other)
    return first


def _rehearsed(job: Job, options: Mapping[str, Any]) -> list[Read]:
    """Run the recipe with a small problem; return what it reads of its tensors."""
    problem = Component(name=job.spec.problem.name, options=options)
    small = replace(job, spec=replace(job.spec, problem=problem))
    with Recorder() as recorder:
        record = exact_level(small, build(small), BUDGET)
    if record.status is not Status.OK:
        message = f"not projectable: the small run ended as {record.status}: {record.reason}"
        raise Refused(message)
    return recorder.reads


def _projected(job: Job, reads: list[Read]) -> TrialRecord:
    """Run the recipe without numbers, on the course that the reads give."""
    replay = Replay(reads)
    with _refusing("not projectable"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that fake tensors have no address, which the oracle's memo knows
        with FakeTensorMode(), replay:
            built = build(job)
            projected = exact_level(job, built, BUDGET)
        if replay.position != len(reads):
            message = f"it reads {replay.position} times of its tensors, at the small size {len(reads)} times"
            raise Refused(message)
    return replace(projected, size=int(built.problem.size))


def _require_same(first: TrialRecord, second: TrialRecord) -> None:
    """Raise Refused where two courses need different bytes at the same size."""
    for name in _FIGURES:
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            message = (
                f"not projectable: {name} follows from values, not from the size alone: {one:,} on the course of one "
                f"small run, {other:,} on that of another"
            )
            raise Refused(message)


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turn whatever goes wrong under fake tensors into the reason why there is no figure."""
    try:
        yield
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        kind = "" if isinstance(error, Refused) else f"{type(error).__name__}: "
        message = f"{what}: {kind}{text}"
        raise Refused(message) from error


def _dense(answer: Any) -> Any:
    """Return what an operation returned; raises Refused where it is sparse: fake ones have no entries."""
    if isinstance(answer, Tensor) and answer.layout is not torch.strided:
        message = "it makes sparse tensors, whose bytes follow from values"
        raise Refused(message)
    return answer


def _name(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", "")


def _length(answer: Any) -> int:
    """Return how many numbers a nested list holds."""
    return sum(map(_length, answer)) if isinstance(answer, list) else 1

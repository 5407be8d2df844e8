"""Memory at sizes that nobody can run, worked out without running: exact bytes under fake tensors.

Fake tensors have shapes and storages but no numbers, so that what the host reads of them (a value, a slope, whether a
factorisation failed) does not exist. A small run of the same recipe is recorded first; at the large size its reads are
answered with the recorded ones, one after the other: the control flow is that of a real run. Where the two do not line
up the size is not projectable, with the reason; a figure is never made up.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from optbench.api import Refused
from optbench.measure.factories import build
from optbench.measure.memory_pass import exact_level
from optbench.records import Budget, Component, Job, Status, TrialRecord

# Steps only: under fake tensors, seconds mean nothing.
BUDGET = Budget(steps=30)

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
            return func(*args, **(kwargs or {}))
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
    """Return the exact bytes at the job's size, which is not run; `job.rehearsal` are the options of a small one.

    Raises Refused where that can't be.
    """
    recorder = Recorder()
    with recorder:
        rehearsed = exact_level(job, build(_small(job)), BUDGET)
    if rehearsed.status is not Status.OK:
        message = f"not projectable: the small run ended as {rehearsed.status}: {rehearsed.reason}"
        raise Refused(message)
    replay = Replay(recorder.reads)
    with _refusing("not projectable"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that fake tensors have no address, which the oracle's memo knows
        with FakeTensorMode(), replay:
            built = build(job)
            projected = exact_level(job, built, BUDGET)
        if replay.position != len(replay.reads):
            message = f"it reads {replay.position} times of its tensors, at the small size {len(replay.reads)} times"
            raise Refused(message)
    return replace(projected, size=int(built.problem.size))


def _small(job: Job) -> Job:
    problem = Component(name=job.spec.problem.name, options=job.rehearsal)
    return replace(job, spec=replace(job.spec, problem=problem))


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


def _name(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", "")


def _length(answer: Any) -> int:
    """Return how many numbers a nested list holds."""
    return sum(map(_length, answer)) if isinstance(answer, list) else 1

"""Checks that a method works in the trial's precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from optbench.testing.blame import Frame, made_by_engine, stack_here, where
from optbench.testing.framework import Subject, require
from optbench.testing.needs import needs_quadratic
from optbench.testing.optimizers.descending import require_descent
from optbench.testing.trials import Watcher, limited, place, run
from optbench.testing.workloads import Quadratic, workload

_SIZE = 97  # a length that no buffer has by chance


def check_precisions(subject: Subject) -> None:
    """Descend in float32 and float64, publish points of that type, and compute nothing of length n in a wider one."""
    for dtype in (torch.float32, torch.float64):
        require_descent(subject, dtype, 10)
        _require_published(subject, dtype)
    if needs_quadratic(subject):
        return  # the small net has too few parameters to tell its vectors from others
    here = place(dtype=torch.float32)
    problem, spy = Quadratic(_SIZE, here), UpcastSpy(subject, _SIZE)
    with spy:
        run(subject, problem, here, limited(evaluations=40, steps=20))
    require(
        not spy.operation,
        f"in a trial in float32 the operation {spy.operation} makes a tensor in float64 with one entry a parameter"
        f"{where(spy.stack, subject)}",
    )


def _require_published(subject: Subject, dtype: torch.dtype) -> None:
    here = place(dtype=dtype)
    seen = Watcher()
    run(subject, workload(subject, here), here, limited(evaluations=20, steps=10), watcher=seen)
    wrong = {str(point.dtype) for point in seen.points if point.dtype != dtype}
    require(not wrong, f"in a trial in {dtype} it publishes points in {', '.join(wrong)}")


class UpcastSpy(TorchDispatchMode):
    """Keeps the first operation outside the engine that makes a float64 tensor with an extent of `size`."""

    def __init__(self, subject: Subject, size: int) -> None:
        """See nothing yet."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self.operation = ""
        self.stack: list[Frame] = []
        self._subject, self._size = subject, size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and look at what it returns."""
        out = func(*args, **(kwargs or {}))
        drawn = torch.Tag.nondeterministic_seeded in func.tags  # in float64, so that precisions stay paired
        if not (self.operation or drawn) and any(self._is_wide(item) for item in tree_flatten(out)[0]):
            stack = stack_here()
            if not made_by_engine(stack, self._subject):
                self.operation, self.stack = str(func), stack
        return out

    def _is_wide(self, item: Any) -> bool:
        return isinstance(item, Tensor) and item.dtype == torch.float64 and self._size in item.shape

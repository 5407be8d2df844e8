"""Level 1 of memory: exact bytes of what is reachable and of live tensors. Its own pass, never with the clock."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from optbench.measure.holding import reachable

_TAKES_NEW = (torch.ops.aten.lift_fresh.default,)  # what torch.tensor() calls with what it has just made

Key = tuple[str, int]  # what identifies a memory: its kind and a number


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensor storages that come alive under the mode; `peak` is their largest sum.

    A storage that an operation is given before any has returned it was alive before, and is not counted; nor is what
    kernels allocate and free inside. Works on every device, fake ones included.
    """

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self.live = self.peak = 0
        self._seen: dict[int, int] = {}

    def forget_all(self) -> None:
        """Begin at zero: what is alive now is not counted."""
        self._seen = dict.fromkeys(self._seen, 0)
        self.live = self.peak = 0

    def begin_peak(self) -> None:
        """Begin a new peak with what is alive."""
        self.peak = self.live

    def counts(self, key: Key) -> bool:
        """Tell whether the memory of that name is in `live`."""
        kind, identity = key
        return kind == "torch" and self._seen.get(identity, 0) > 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and look at what it takes and returns."""
        if func not in _TAKES_NEW:
            for tensor in _tensors((args, kwargs)):
                self._follow(tensor, counted=False)
        out = func(*args, **(kwargs or {}))
        for tensor in _tensors(out):
            self._follow(tensor, counted=True)
        return out

    def _follow(self, tensor: Tensor, *, counted: bool) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._seen:
            return
        size = storage.nbytes() if counted else 0
        self._seen[key] = size
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.live -= self._seen.pop(key, 0)


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (item for item in tree_leaves(tree) if isinstance(item, Tensor))


def state_bytes(*roots: Any, without: tuple[Any, ...] = ()) -> int:
    """Return the bytes of the distinct tensors and arrays reachable from `roots` but not from `without`."""
    left_out = bytes_below(*without)
    return sum(size for key, size in bytes_below(*roots).items() if key not in left_out)


def bytes_below(*roots: Any) -> dict[Key, int]:
    """Return the bytes of each memory that tensors and arrays below the roots have, by what identifies it."""
    return dict(held.memory() for held in reachable({str(index): root for index, root in enumerate(roots)}))

"""Level 1 of memory: exact bytes of what is reachable and of live tensors. Its own pass, never with the clock."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from optbench.measure.holding import reachable
from optbench.measure.storages import Key, identity, leaves, storages

_TAKES_NEW = (torch.ops.aten.lift_fresh.default,)  # what torch.tensor() calls with what it has just made


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensor storages that come alive under the mode; `peak` is their largest sum.

    A storage that an operation is given before any has returned it was alive before, and is not counted; nor is what
    kernels allocate and free inside. Works on every device, fake ones included.
    """

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self.live = self.peak = 0
        self._seen: dict[int, tuple[Key, int]] = {}  # by storage; 0 bytes where it is not counted

    def forget_all(self) -> None:
        """Begin at zero: what is alive now is not counted."""
        self._seen = {storage: (key, 0) for storage, (key, _) in self._seen.items()}
        self.live = self.peak = 0

    def begin_peak(self) -> None:
        """Begin a new peak with what is alive."""
        self.peak = self.live

    @property
    def counted(self) -> frozenset[Key]:
        """What identifies the memories that are in `live`."""
        return frozenset(key for key, size in self._seen.values() if size)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and look at what it takes and returns."""
        if func not in _TAKES_NEW:
            for storage in _storages((args, kwargs)):
                self._follow(storage, counted=False)
        out = func(*args, **(kwargs or {}))
        for storage in _storages(out):
            self._follow(storage, counted=True)
        return out

    def _follow(self, storage: torch.UntypedStorage, *, counted: bool) -> None:
        if storage._cdata in self._seen:
            return
        size = storage.nbytes() if counted else 0
        self._seen[storage._cdata] = identity(storage), size
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, storage._cdata)

    def _forget(self, storage: int) -> None:
        _, size = self._seen.pop(storage, (None, 0))
        self.live -= size


def _storages(tree: Any) -> Iterator[torch.UntypedStorage]:
    return (storage for item in leaves(tree) if isinstance(item, Tensor) for storage in storages(item))


def state_bytes(*roots: Any, without: tuple[Any, ...] = ()) -> int:
    """Return the bytes of the distinct tensors and arrays reachable from `roots` but not from `without`."""
    left_out = bytes_below(*without)
    return sum(size for key, size in bytes_below(*roots).items() if key not in left_out)


def bytes_below(*roots: Any) -> dict[Key, int]:
    """Return the bytes of each memory that tensors and arrays below the roots have, by what identifies it."""
    named = {str(index): root for index, root in enumerate(roots)}
    return dict(memory for held in reachable(named) for memory in held.memories())

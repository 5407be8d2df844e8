"""Level 1 of memory: exact bytes of an optimizer's state and of live tensors. Its own pass, never with the clock."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensor storages that come alive under the mode; `peak` is their largest sum.

    Storages that existed before, and what kernels allocate and free inside, are not seen. Works on every device.
    """

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self.live = self.peak = 0
        self._seen: dict[int, int] = {}

    def ignore(self, *roots: Any) -> None:
        """Leave out what is reachable from `roots`: it was alive before."""
        for key in _storages(roots):
            self._seen.setdefault(key[1], 0)

    def forget_all(self) -> None:
        """Begin at zero: what is alive now is not counted."""
        self._seen = dict.fromkeys(self._seen, 0)
        self.live = self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and look at what it returns."""
        out = func(*args, **(kwargs or {}))
        for item in tree_flatten(out)[0]:
            if isinstance(item, Tensor):
                self._see(item)
        return out

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._seen:
            return
        self._seen[key] = storage.nbytes()
        self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.live -= self._seen.pop(key, 0)


def state_bytes(*roots: Any, without: tuple[Any, ...] = ()) -> int:
    """Return the bytes of the distinct tensors and arrays reachable from `roots` but not from `without`."""
    left_out = set(_storages(without))
    return sum(size for key, size in _storages(roots).items() if key not in left_out)


def _storages(roots: tuple[Any, ...]) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    waiting, visited = list(roots), set()
    while waiting:
        item = waiting.pop()
        if id(item) in visited:
            continue
        visited.add(id(item))
        if isinstance(item, Tensor):
            storage = item.untyped_storage()
            found["torch", storage._cdata] = storage.nbytes()
        elif hasattr(item, "__array_interface__") and hasattr(item, "nbytes"):
            base = item
            while hasattr(getattr(base, "base", None), "nbytes"):
                base = base.base
            found["numpy", id(base)] = base.nbytes
        else:
            waiting.extend(_children(item))
    return found


def _children(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    if isinstance(item, list | tuple | set | frozenset):
        return list(item)
    if isinstance(item, type) or callable(item):
        return []
    slots = [getattr(item, name) for name in getattr(type(item), "__slots__", ()) if hasattr(item, name)]
    return slots + list(getattr(item, "__dict__", {}).values())

"""Who holds a tensor, as a path of attributes, and where tensors were made."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from operator import itemgetter
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from optbench.testing.blame import Frame, culprit, made_by_engine, stack_here
from optbench.testing.subject import Subject

_LEAVES = (str, bytes, int, float, complex, type, ModuleType, type(None))


def held(roots: Mapping[str, Any]) -> dict[str, int]:
    """Return the bytes of the tensors and arrays below each root by path, such as `state.pairs`, largest first.

    Members of a sequence or a mapping count for the sequence or the mapping; each storage counts once.
    """
    found: Counter[str] = Counter()
    visited: dict[int, Any] = {}
    storages: set[int] = set()
    waiting = [(name, name, item) for name, item in reversed(list(roots.items()))]
    while waiting:
        path, owner, item = waiting.pop()
        if id(item) in visited or isinstance(item, _LEAVES):
            continue
        visited[id(item)] = item
        size, key = _size(item)
        if key is None:
            waiting.extend(_parts(path, owner, item))
        elif key not in storages:
            storages.add(key)
            found[owner] += size
    return dict(found.most_common())


def _size(item: Any) -> tuple[int, int | None]:
    """Return bytes and identity of a tensor's or an array's memory; identity None for anything else."""
    if isinstance(item, Tensor):
        storage = item.untyped_storage()
        return storage.nbytes(), storage._cdata
    if hasattr(item, "__array_interface__") and hasattr(item, "nbytes"):
        return item.nbytes, id(item)
    return 0, None


def _parts(path: str, owner: str, item: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (path, the path that its bytes count for, part) of what an object holds."""
    if isinstance(item, Mapping):
        yield from ((f"{path}[{_key(key)}]", path, part) for key, part in item.items())
    elif isinstance(item, MethodType):
        yield (path, owner, item.__self__)
    elif isinstance(item, FunctionType):
        cells = zip(item.__code__.co_freevars, item.__closure__ or (), strict=True)
        yield from ((f"{path}.{name}",) * 2 + (_content(cell),) for name, cell in cells)
    elif hasattr(item, "__iter__") and hasattr(item, "__len__"):
        yield from ((f"{path}[{index}]", path, part) for index, part in enumerate(item))
    else:
        names = [*getattr(type(item), "__slots__", ()), *getattr(item, "__dict__", {})]
        yield from ((f"{path}.{name}", f"{path}.{name}", getattr(item, name, None)) for name in names)


def _key(key: Any) -> str:
    return repr(key) if isinstance(key, str | int) else type(key).__name__


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not assigned yet
        return None


class Births(TorchDispatchMode):
    """Keeps where each storage that is still alive was made."""

    def __init__(self, subject: Subject) -> None:
        """See nothing yet."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self._subject = subject
        self._alive: dict[int, tuple[int, Frame]] = {}
        self.biggest: tuple[int, Frame | None] = (0, None)  # of all that was made: bytes, and where

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and note what it makes."""
        known = {id(item) for item in tree_leaves((args, kwargs))}
        out = func(*args, **(kwargs or {}))
        for item in tree_leaves(out):
            if isinstance(item, Tensor) and id(item) not in known:
                self._note(item)
        return out

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata in self._alive:
            return
        stack = stack_here()
        line = None if made_by_engine(stack, self._subject) else culprit(stack, self._subject)
        if line is not None:
            self.biggest = max(self.biggest, (storage.nbytes(), line), key=itemgetter(0))
            self._alive[storage._cdata] = (storage.nbytes(), line)
            weakref.finalize(storage, self._alive.pop, storage._cdata, None)

    def most_alive(self) -> Frame | None:
        """Return the line that made most of the bytes that are alive."""
        totals: Counter[Frame] = Counter()
        for size, line in self._alive.values():
            totals[line] += size
        return totals.most_common(1)[0][0] if totals else None

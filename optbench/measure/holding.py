"""What an object holds: every tensor and array that can be reached from it, and by which way."""

from __future__ import annotations

import gc
import inspect
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from types import CellType, CodeType, FrameType, FunctionType, GeneratorType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from optbench.measure.storages import Key, memories

# What holds nothing, or what belongs to nobody: classes, modules, and the frames of whoever called.
_LEAVES = (str, bytes, int, float, complex, type(None), type, ModuleType, CodeType, FrameType)
_LONGEST = 5  # parts of a path, after which it is cut: a chain of a thousand links is one holder


class Held(NamedTuple):
    """A tensor or an array that something holds."""

    path: str  # "state.pairs[0]"
    owner: str  # the path that its bytes count for: "state.pairs", since members count for their container
    thing: Any  # Tensor or ndarray; of `packed` walks bytes, array.array, list or tuple, too

    def memories(self) -> Iterator[tuple[Key, int]]:
        """Yield what identifies each memory below it, which views share with their base, and all of its bytes."""
        if isinstance(self.thing, Tensor | np.ndarray):
            yield from memories(self.thing)
        else:
            numbers = isinstance(self.thing, list | tuple)  # of which each is a reference of eight bytes
            yield ("python", id(self.thing)), 8 * len(self.thing) if numbers else memoryview(self.thing).nbytes


class _Way(NamedTuple):
    """How something was reached."""

    path: str
    owner: str
    length: int

    def named(self, part: str) -> _Way:
        """Go on to a part that has a name of its own."""
        return self._to(part, owns=True)

    def member(self, part: str) -> _Way:
        """Go on to a member of a container, for which it counts."""
        return self._to(part, owns=False)

    def _to(self, part: str, *, owns: bool) -> _Way:
        if self.length >= _LONGEST:
            path = self.path if self.path.endswith("…") else f"{self.path}…"
            return _Way(path, path, self.length)
        path = self.path + part
        return _Way(path, path if owns else self.path, self.length + 1)


def reachable(roots: Mapping[str, Any], besides: tuple[Any, ...] = (), *, packed: bool = False) -> Iterator[Held]:
    """Yield each tensor and array below the named roots once, the shortest way first; nothing that is below `besides`.

    Followed is whatever Python can follow: containers (keys, too), attributes, slots, what functions, methods, partial
    calls and generators have bound, and what objects written in C refer to. Modules and classes belong to nobody's
    state: they are looked into only where they are roots, a module with the classes that it defines. Weak references
    hold nothing. With `packed` come what else numbers can be kept in: bytes, array.array, lists and tuples of them.
    """
    visited: dict[int, Any] = {id(item): item for item in besides}  # the objects too, lest an identity is used again
    waiting = deque((_Way(name, name, 0), item) for name, item in roots.items())
    waiting.extend(part for way, item in list(waiting) for part in _globals(way, item))
    while waiting:
        way, item = waiting.popleft()
        if id(item) in visited or (isinstance(item, _LEAVES) and not (packed and isinstance(item, bytes))):
            continue
        visited[id(item)] = item
        if isinstance(item, Tensor | np.ndarray) or (packed and _packs(item)):
            yield Held(way.path, way.owner, item)
        waiting.extend(_parts(way, item))


def _packs(item: Any) -> bool:
    """Tell whether it is nothing but numbers."""
    if isinstance(item, list | tuple):
        return len(item) > 1 and all(type(part) in (int, float) for part in item)
    return isinstance(item, bytes | bytearray | array)


def _globals(way: _Way, item: Any) -> Iterator[tuple[_Way, Any]]:
    """Yield what a module that is a root holds, and its classes; nothing of anything else."""
    if not isinstance(item, ModuleType | type):
        return
    for name, part in vars(item).items():
        if not name.startswith("__"):
            yield way.named(f".{name}"), part
        if isinstance(item, ModuleType) and isinstance(part, type) and part.__module__ == item.__name__:
            yield from _globals(way.named(f".{name}"), part)


def _parts(way: _Way, item: Any) -> Iterator[tuple[_Way, Any]]:
    """Yield what an object holds, first what has a name; a fake tensor holds nothing but what fakes it."""
    if isinstance(item, Tensor) and hasattr(item, "fake_mode"):
        return
    yield from ((way.named(f".{name}"), part) for name, part in _named(item))
    if isinstance(item, dict):
        for key, part in item.items():
            yield way.member(".keys()"), key
            yield way.member(f"[{key!r}]" if isinstance(key, str | int) else f"[{type(key).__name__}]"), part
    elif isinstance(item, list | tuple | set | frozenset | deque):
        yield from ((way.member(f"[{index}]"), part) for index, part in enumerate(item))
    elif not isinstance(item, Tensor | np.ndarray | FunctionType):  # a function would refer to its whole module
        yield from ((way, part) for part in gc.get_referents(item))


def _named(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield attributes, slots, the fields of a named tuple, and what a function or a generator has bound."""
    yield from getattr(item, "__dict__", {}).items()
    yield from _slots(item)
    if isinstance(item, FunctionType):
        yield from zip(item.__code__.co_freevars, map(_content, item.__closure__ or ()), strict=True)
        yield from (("__defaults__", item.__defaults__), ("__kwdefaults__", item.__kwdefaults__))
    elif isinstance(item, GeneratorType):
        yield from inspect.getgeneratorlocals(item).items()
    elif isinstance(item, tuple):
        yield from zip(getattr(item, "_fields", ()), item, strict=False)


def _slots(item: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(item).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            hidden = name.startswith("__") and not name.endswith("__")
            slot = f"_{kind.__name__.lstrip('_')}{name}" if hidden else name
            if hasattr(item, slot):
                yield name, getattr(item, slot)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not assigned yet
        return None

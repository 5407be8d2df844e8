"""Who holds memory, as a path of attributes, and where tensors were made."""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter
from types import ModuleType
from typing import Any

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode

from optbench.measure.holding import Held
from optbench.measure.storages import leaves, storages
from optbench.testing.blame import Frame, culprit, made_by_engine, stack_here
from optbench.testing.subject import Subject
from optbench.testing.trials import Watcher, limited, place, run
from optbench.testing.workloads import endless


def by_owner(things: Iterable[Held]) -> dict[str, int]:
    """Return the bytes of what was found by who owns it, such as `state.pairs`, largest first; memory counts once."""
    found: Counter[str] = Counter()
    seen: set[tuple[str, int]] = set()
    for item in things:
        for key, size in item.memories():
            found[item.owner] += 0 if key in seen else size
            seen.add(key)
    return dict(found.most_common())


def modules_of(subject: Subject) -> dict[str, ModuleType]:
    """Return the modules of the plugin's package that are imported, as roots: by the last part of their names."""
    module = subject.factory_module
    package = f"{getattr(sys.modules.get(module), '__package__', '') or module}."
    own = [name for name in (*sys.modules,) if f"{name}.".startswith(package) or name == module]
    return {name.rpartition(".")[2]: sys.modules[name] for name in own}


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
        known = {id(item) for item in leaves((args, kwargs))}
        out = func(*args, **(kwargs or {}))
        for item in leaves(out):
            if isinstance(item, Tensor) and id(item) not in known:
                for storage in storages(item):
                    self._note(storage)
        return out

    def _note(self, storage: UntypedStorage) -> None:
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


def births(subject: Subject, size: int, steps: int) -> tuple[Births, Frame | None]:
    """Return what was made in some steps, and the line of the plugin that made most of what was alive at their end."""
    here, made = place(), Births(subject)
    problem = endless(size, here)
    alive: list[Frame | None] = [None]

    class Alive(Watcher):
        def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
            alive.append(made.most_alive())

    with made:
        run(subject, problem, here, limited(evaluations=50 * steps, steps=steps), watcher=Alive())
    return made, alive[-1]


def made_at(line: Frame | None) -> str:
    """Return " (made at file:line in function)", or nothing."""
    return f" (made at {line})" if line else ""

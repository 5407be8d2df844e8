"""Reading the traces of many trials in one pass, as long as they are asked for in the order that was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from optbench.records import Trace

if TYPE_CHECKING:
    from optbench.store import ResultKey, Store


class TraceReader:
    """The traces of one name. A query a trial would take longer than all that a report does with it."""

    def __init__(self, store: Store, name: str, keys: Mapping[str, ResultKey]) -> None:
        """Read from `store`; `keys` are those of the results by the trials' names, in the order of reading."""
        self._store, self._name, self._keys = store, name, keys
        self._place = {trial: index for index, trial in enumerate(keys)}
        self._asked = -1  # place of the last trial
        self._stream = self._traces()
        self._next: tuple[int, Trace] | None = None  # read already: the first one after what was asked for

    def __call__(self, trial: str) -> Trace | None:
        """Return a trial's trace, None where it has none."""
        place = self._place.get(trial)
        if place is None:
            return None
        if place <= self._asked:
            return self._store.trace(self._keys[trial], self._name)
        self._asked = place
        while self._next is None or self._next[0] < place:
            self._next = next(self._stream, (len(self._place), _NOTHING))
        return self._next[1] if self._next[0] == place else None

    def _traces(self) -> Iterator[tuple[int, Trace]]:
        keys = list(self._keys.values())
        places = {key: index for index, key in enumerate(keys)}
        for key, trace in self._store.traces(keys, self._name):
            yield places[key], trace


_NOTHING = Trace((), ())

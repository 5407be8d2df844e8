"""Which of a suite's entries an expression means: those with its names and with the options that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from optbench.api import UserError
from optbench.records import Call, Component, Entry
from optbench.records.nearest import suggestion
from optbench.registry.resolving import parse_text, resolve
from optbench.suites.mistakes import Mistake

if TYPE_CHECKING:
    from optbench.registry import Catalogue

Parts = tuple[Component, ...]


class EntryPicker:
    """Looks up what expressions mean; goes on after a mistake, so that all are found."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Begin without mistakes."""
        self.mistakes: list[Mistake] = []
        self._catalogue = catalogue

    def problems(self, key: str, text: str, entries: Sequence[Entry]) -> list[Entry]:
        """Return the problems that `text` means; none, and a mistake, where there is none."""
        return self._picked(key, "problem", text, entries, lambda entry: (entry.use,))

    def optimizers(self, key: str, text: str, entries: Sequence[Entry]) -> list[Entry]:
        """Return the optimizers that `text` means, with just these meta-algorithms; else as `problems`."""
        return self._picked(key, "optimizer", text, entries, lambda entry: entry.recipe)

    def add(self, key: str, message: str) -> None:
        """Keep a mistake."""
        self.mistakes.append(Mistake(key, message))

    def _picked(
        self, key: str, kind: str, text: str, entries: Sequence[Entry], parts_of: Callable[[Entry], Parts]
    ) -> list[Entry]:
        try:
            wanted = list(self._written(f"{kind}s", parse_text(text)))
        except UserError as error:
            self.add(key, str(error))
            return []
        found = [entry for entry in entries if _matches(parts_of(entry), wanted)]
        if not found:
            names = sorted({" + ".join(part.short for part in parts_of(entry)) for entry in entries})
            allowed = f"given {text!r}; matches no {kind} of the suite: {', '.join(names)}"
            self.add(key, "; ".join(filter(None, (allowed, suggestion(text, names)))))
        return found

    def _written(self, kind: str, calls: Sequence[Call]) -> Iterator[Component]:
        """Yield each term with a qualified name and only the options that were written, each in its normal form."""
        for place, call in enumerate(calls):
            component = resolve(self._catalogue, "meta-algorithms" if place else kind, call)
            yield Component(name=component.name, options={key: component.options[key] for key in call.options})


def _matches(parts: Parts, wanted: Sequence[Component]) -> bool:
    return len(parts) == len(wanted) and all(
        part.name == like.name and all(part.options.get(key) == value for key, value in like.options.items())
        for part, like in zip(parts, wanted, strict=True)
    )

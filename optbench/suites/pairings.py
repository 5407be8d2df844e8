"""The pairings of a suite file: each of the two is looked up among the file's optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from optbench.records import Pairing, SuiteSpec
from optbench.suites.mistakes import Mistake
from optbench.suites.picking import EntryPicker, Parts
from optbench.suites.schema import CompareTable

if TYPE_CHECKING:
    from optbench.registry import Catalogue


def read_pairings(
    tables: Sequence[CompareTable], spec: SuiteSpec, catalogue: Catalogue
) -> tuple[tuple[Pairing, ...], list[Mistake]]:
    """Return the pairings of optimizers of `spec`, and everything that is wrong with them."""
    picker = EntryPicker(catalogue)
    pairings = tuple(_pairing(f"compare[{index}]", table, spec, picker) for index, table in enumerate(tables))
    return pairings, picker.mistakes


def are_left(spec: SuiteSpec, *wanted: Parts) -> bool:
    """Tell whether the suite still has all of these optimizers."""
    recipes = [entry.recipe for entry in spec.optimizers]
    return all(recipe in recipes for recipe in wanted)


def _pairing(key: str, table: CompareTable, spec: SuiteSpec, picker: EntryPicker) -> Pairing:
    """Return the pairing, of nobody where it has a mistake."""
    targets = spec.targets if table.targets is None else tuple(dict.fromkeys(table.targets))
    for target in targets:
        if target not in spec.targets:
            picker.add(f"{key}.targets", f"given {target!r}; the suite's targets: {', '.join(spec.targets)}")
    first = _one(f"{key}.first", table.first, spec, picker)
    second = _one(f"{key}.second", table.second, spec, picker)
    if first and first == second:
        picker.add(key, "compares an optimizer with itself")
    return Pairing(first=first, second=second, targets=targets, min_size=table.min_size)


def _one(key: str, text: str, spec: SuiteSpec, picker: EntryPicker) -> Parts:
    found = list(dict.fromkeys(map(_key, picker.optimizers(key, text, spec.optimizers))))
    if len(found) > 1:
        picker.add(key, f"given {text!r}; means {len(found)} optimizers of the suite: write the options that differ")
    recipes = [entry.recipe for entry in spec.optimizers if _key(entry) in found]
    return recipes[0] if recipes else ()


def _key(entry: object) -> str:
    """Return what is equal for equal entries; records with options can't be hashed."""
    return repr(entry)

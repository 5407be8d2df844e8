"""The table `[tuning]`: yardsticks are looked up, stored settings read, everything checked."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.api import UserError
from optbench.records import (
    OBJECTIVE,
    Component,
    Entry,
    StoredSetting,
    SuiteSpec,
    Target,
    Tuning,
    Yardstick,
    find_stored,
    grid_sizes,
)
from optbench.records.nearest import suggestion
from optbench.registry.resolving import parse_text, resolve, resolve_recipe
from optbench.suites.mistakes import Mistake
from optbench.suites.schema import AblationTable, OptimizerTable, ProblemTable, TuningTable
from optbench.suites.spaces import read_space

if TYPE_CHECKING:
    from optbench.registry import Catalogue

LEAST_SETTINGS = 2
_COUNTED = ("trials", "seeds", "repeats")
_SEARCHING = ("method", "trials", "seeds", "repeats")


class Yardsticks:
    """Looks up what settings are chosen and scored by; goes on after a mistake, so that all are found."""

    def __init__(self, catalogue: Catalogue, metrics: Sequence[str], targets: Sequence[str]) -> None:
        """Begin without mistakes; the suite's metrics by qualified names, its targets in normal form."""
        self.catalogue, self.metrics, self.targets = catalogue, metrics, targets
        self.mistakes: list[Mistake] = []

    def read(self, key: str, text: str) -> Yardstick:
        """Return one of the suite's metrics or targets, or the objective."""
        if text == OBJECTIVE or _target(text) in self.targets:
            return Yardstick(name=_target(text) or OBJECTIVE)
        named = [name for name in self.metrics if text in (name, name.rpartition("/")[2])]
        if len(named) == 1:
            record = self.catalogue.get("metrics", named[0]).record
            return Yardstick(name=named[0], higher_is_better=record.higher_is_better)
        allowed = [OBJECTIVE, *(name.rpartition("/")[2] for name in self.metrics), *self.targets]
        message = f"given {text!r}; allowed: {OBJECTIVE}, and the suite's metrics and targets: {', '.join(allowed[1:])}"
        self.mistakes.append(Mistake(key, "; ".join(filter(None, (message, suggestion(text, allowed))))))
        return Yardstick(name=OBJECTIVE)

    def of_problem(self, index: int, table: ProblemTable, *, tuned: bool, ablated: bool) -> dict[str, Any]:
        """Return a problem's own; it is scored by what it selects by, unless it says otherwise."""
        given = {key: text for key in ("select", "score") if (text := getattr(table, key)) is not None}
        used = {"select": tuned, "score": tuned or ablated}
        without = {"select": "[tuning]", "score": "[tuning] and `ablate`"}
        unused = [key for key in given if not used[key]]
        self.mistakes += [Mistake(f"problem[{index}].{key}", f"given without {without[key]}") for key in unused]
        read = {key: self.read(f"problem[{index}].{key}", text) for key, text in given.items() if used[key]}
        return {"score": read["select"], **read} if "select" in read else read

    def of_ablation(self, table: AblationTable | None, *, ablated: bool) -> tuple[Yardstick, ...]:
        """Return what the effects of what is ablated are measured by; none where the suite doesn't say."""
        if table is None:
            return ()
        if not ablated:
            self.mistakes.append(Mistake("ablation", "given without `ablate` in an optimizer"))
        names = [(f"ablation.scores[{place}]", text) for place, text in enumerate(table.scores)]
        return tuple(dict.fromkeys(self.read(key, text) for key, text in names))


def read_tuning(
    table: TuningTable | None, spec: SuiteSpec, yardsticks: Yardsticks
) -> tuple[Tuning | None, list[Mistake]]:
    """Return how the suite tunes, and everything that is wrong with it."""
    if table is None:
        return None, yardsticks.mistakes
    mistakes = [Mistake(f"tuning.{key}", why) for key, why in _impossible(table)]
    select = yardsticks.read("tuning.select", table.select)
    score = select if table.score is None else yardsticks.read("tuning.score", table.score)
    stored: tuple[StoredSetting, ...] = ()
    found_by = ""
    try:
        if table.stored is not None:
            stored, found_by = _stored(Path(spec.source).parent / table.stored, yardsticks.catalogue)
            mistakes += [Mistake("tuning.stored", why) for why in _not_found(spec, stored, table.stored)]
    except ValueError as error:
        mistakes.append(Mistake("tuning.stored", str(error)))
    kept = table.model_dump(include={"method", "trials", "seeds", "repeats", "untuned"})
    tuning = Tuning(select=select, score=score, stored=stored, found_by=found_by, **kept)
    return tuning, [*mistakes, *yardsticks.mistakes]


def _stored(path: Path, catalogue: Catalogue) -> tuple[tuple[StoredSetting, ...], str]:
    """Return the settings of a file and where they come from; raises ValueError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(_setting(item, catalogue) for item in data["setting"]), str(data["found-by"])
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UserError as error:
        raise ValueError(f"{path}: {error}; tune again and write it anew") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not what `optbench tuned` writes: {error}") from None


def _setting(item: Mapping[str, Any], catalogue: Catalogue) -> StoredSetting:
    """Return a setting; options that plugins have learnt since have their defaults."""
    problem = resolve(catalogue, "problems", parse_text(item["problem"])[0])
    optimizer, metas = resolve_recipe(catalogue, item["optimizer"])
    tuned = item["options"]
    kept = {key: value for key, value in optimizer.options.items() if key not in tuned}
    recipe = (Component(name=optimizer.name, options=kept), *metas)
    return StoredSetting(problem=problem, recipe=recipe, options=tuned, edge=tuple(item["edge"]))


def _impossible(table: TuningTable) -> Iterator[tuple[str, str]]:
    """Yield what of a search doesn't fit together."""
    if table.stored is not None:
        for key in _SEARCHING:
            if key in table.model_fields_set:
                yield key, "given with `stored`: what is stored is not searched again"
        return
    if table.trials % table.seeds:
        yield "trials", f"given {table.trials} with seeds = {table.seeds}; allowed: a multiple of it"
    elif table.trials // table.seeds < LEAST_SETTINGS:
        yield "trials", f"given {table.trials} with seeds = {table.seeds}; allowed: at least {LEAST_SETTINGS} settings"
    if table.method == "optuna" and find_spec("optuna") is None:
        yield "method", "optuna is not installed: pip install 'optbench[tuning]'"


def _not_found(spec: SuiteSpec, stored: Sequence[StoredSetting], name: str) -> Iterator[str]:
    """Yield which of the suite's pairs have no stored setting."""
    for optimizer in spec.optimizers:
        for problem in spec.problems:
            meet = optimizer.space and set(problem.groups) & set(optimizer.groups)
            if meet and find_stored(stored, problem.use, optimizer.recipe, optimizer.space) is None:
                yield f"{name} has nothing for {optimizer.use.short} on {problem.use.short}: tune it, or tune = false"


def _target(text: str) -> str:
    try:
        return str(Target.parse(text))
    except ValueError:
        return ""


def override_tuning(spec: SuiteSpec, text: str) -> SuiteSpec:
    """Return the suite with "trials=6,repeats=1" instead of what its file says, or not tuned: "off"; raises UserError.

    Untuned optimizers stay: those that the file doesn't tune, and the others as they are written.
    """
    if spec.tuning is None:
        raise UserError(f"--tuning {text}: the suite tunes nothing")
    if text == "off":
        return replace(spec, tuning=None)
    if spec.tuning.stored:
        raise UserError(f"--tuning {text}: the suite takes stored settings", 'allowed: "off"')
    given: dict[str, Any] = dict(_counted(item) for item in text.split(","))
    tuning = replace(spec.tuning, **given)
    largest = max((math.prod(grid_sizes(entry.space, tuning.settings)) for entry in spec.optimizers), default=0)
    least = max(LEAST_SETTINGS, largest if tuning.method == "grid" else 0)
    if tuning.trials % tuning.seeds or tuning.settings < least:
        raise UserError(f"--tuning {text}", f"trials: a multiple of {tuning.seeds}, at least {least * tuning.seeds}")
    return replace(spec, tuning=tuning)


def _counted(item: str) -> tuple[str, int]:
    key, _, number = (part.strip() for part in item.partition("="))
    if key in _COUNTED and number.isascii() and number.isdigit() and int(number) > 0:
        return key, int(number)
    allowed = f"{', '.join(_COUNTED)} as in trials=6,repeats=1; or off"
    raise UserError(f"--tuning: given {item!r}", f"allowed: {allowed}", suggestion(key, _COUNTED))


def added_entry(spec: SuiteSpec, text: str, catalogue: Catalogue) -> Entry:
    """Return an optimizer that meets every problem of the suite and is tuned as its plugin says; raises UserError."""
    optimizer, metas = resolve_recipe(catalogue, text)
    groups = dict.fromkeys(group for problem in spec.problems for group in problem.groups)
    entry = Entry(use=optimizer, meta_algorithms=metas, groups=tuple(groups))
    if spec.tuning is None or spec.tuning.stored:
        return entry
    kept = {key: getattr(spec.tuning, key) for key in _SEARCHING}
    written = parse_text(text)[0].options
    space, mistakes = read_space(catalogue, optimizer, OptimizerTable(use=text), written, TuningTable(**kept))
    if mistakes:
        raise UserError(f"--optimizer {text}: {mistakes[0][1]}")
    return replace(entry, space=space)

"""What a tuning found, as a file that other suites read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from optbench.records import Call, Component, StoredSetting, SuiteSpec, toml_value, untuned_parts
from optbench.tuning.methods import best
from optbench.tuning.planner import Choice, TunedArm
from optbench.tuning.quality import Quality


def stored_settings(arms: Iterable[TunedArm]) -> list[StoredSetting]:
    """Return for each optimizer and problem the choice of its best tuning; of several devices the first one's."""
    found: dict[str, StoredSetting] = {}
    for arm in arms:
        done = [choice for choice in arm.choices if choice.options is not None and choice.course is not None]
        if done:
            chosen = min(done, key=_quality)
            trial = arm.task.trial
            recipe = untuned_parts(trial.recipe, arm.task.space)
            setting = StoredSetting(
                problem=trial.problem, recipe=recipe, options=dict(chosen.options or {}), edge=chosen.edge
            )
            found.setdefault(_expression((trial.problem, *recipe)), setting)
    return list(found.values())


def stored_text(settings: Sequence[StoredSetting], suite: SuiteSpec, date: str) -> str:
    """Return the TOML file."""
    return "\n".join((*_head(suite, date), *(line for item in settings for line in _lines(item)), ""))


def _head(suite: SuiteSpec, date: str) -> Iterator[str]:
    tuning = suite.tuning
    yield f"# Written by `optbench tuned {suite.name}`: tune and write it again instead of editing it."
    if tuning is not None:
        yield f"found-by = {toml_value(f'the suite {suite.name} on {date} ({tuning.in_words})')}"


def _lines(item: StoredSetting) -> Iterator[str]:
    options = ", ".join(f"{name} = {toml_value(value)}" for name, value in item.options.items())
    yield ""
    yield "[[setting]]"
    yield f"problem = {_literal(_expression((item.problem,)))}"
    yield f"optimizer = {_literal(_expression(item.recipe))}"
    yield f"options = {{ {options} }}"
    yield f"edge = {toml_value(item.edge)}"


def _literal(text: str) -> str:
    """Return a text in TOML, without escapes where that can be."""
    return toml_value(text) if "'" in text else f"'{text}'"


def _quality(choice: Choice) -> Quality:
    tried = () if choice.course is None else choice.course.tried
    return best([item.point for item in tried]).quality


def _expression(parts: Sequence[Component]) -> str:
    return " + ".join(str(Call(part.name, part.options)) for part in parts)

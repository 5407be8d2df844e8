"""What is tuned of an optimizer: from its plugin's record and from what the suite says of its options."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from optbench.api import Option, UserError
from optbench.api.options import convert
from optbench.records import Component, Dimension, Space, grid_sizes
from optbench.records.nearest import suggestion
from optbench.suites.schema import OptimizerTable, SearchTable, TuningTable

if TYPE_CHECKING:
    from optbench.registry import Catalogue

Mistakes = list[tuple[str, str]]  # key below the optimizer, message
AROUND = 100.0  # without a span, a search by log begins this factor below and above the default
_HOW = "give search.{0} = {{low = …, high = …}}, or search.{0} = {{values = […]}}"


def read_space(
    catalogue: Catalogue, use: Component, table: OptimizerTable, written: Collection[str], tuning: TuningTable | None
) -> tuple[Space, Mistakes]:
    """Return the options to tune with their ranges, and what is wrong; `written` stand in the suite with a value.

    Without `tune`, these are the options that the plugin says how to search, but for those that are written.
    """
    if tuning is None:
        given = [key for key in ("tune", "search") if key in table.model_fields_set]
        return (), [(key, "given without [tuning], which says how") for key in given]
    options: dict[str, Option] = dict(catalogue.get("optimizers", use.name).record.options)
    registered = bool(catalogue.get("optimizers", use.name).plugin)
    names = _names(options, table, written)
    mistakes = list(_wrong_names(names, options if registered else None, table, written))
    if mistakes:
        return (), mistakes
    space = []
    for name in names:
        option = options.get(name, Option(default=None, doc=""))
        try:
            space.append(_dimension(name, option, table.search.get(name, SearchTable())))
        except ValueError as error:
            mistakes.append((f"search.{name}" if name in table.search else "tune", str(error)))
    return tuple(space), mistakes or list(_too_large(tuple(space), tuning))


def _names(options: dict[str, Option], table: OptimizerTable, written: Collection[str]) -> tuple[str, ...]:
    if table.tune is False:
        return ()
    if isinstance(table.tune, list):
        return tuple(dict.fromkeys(table.tune))
    searched = (name for name, option in options.items() if option.search is not None and name not in written)
    return tuple(dict.fromkeys((*searched, *table.search)))


def _wrong_names(
    names: Collection[str], options: dict[str, Option] | None, table: OptimizerTable, written: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the names; an unregistered class has whatever `options` it has."""
    for name in names:
        key = f"search.{name}" if name in table.search else "tune"
        if options is not None and name not in options:
            near = suggestion(name, options)
            yield key, "; ".join(filter(None, (f"given {name!r}; its options: {', '.join(options) or 'none'}", near)))
        elif name in written:
            yield key, f"{name} has a value in this entry as well: take it out there, or don't tune it"
    for name in (name for name in table.search if name not in names):
        yield f"search.{name}", f"given for an option that is not tuned; `tune` has {', '.join(names) or 'none'}"
    if table.tune is True and not names:
        yield "tune", 'given true; its plugin says of no option how to search it: name options, as in tune = ["lr"]'


def _dimension(name: str, option: Option, given: SearchTable) -> Dimension:
    """Return how an option is searched; raises ValueError."""
    values = _values(option, given)
    if values:
        return Dimension(option=name, scale="choice", values=values)
    if option.default is not None and type(option.default) not in {int, float}:
        raise ValueError(f"{name} is no number; give search.{name} = {{values = […]}}")
    scale = given.scale or option.search or "linear"
    low, high = _range(option, given, scale)
    if low is None or high is None:
        raise ValueError(f"nothing says where to look for {name}: {_HOW.format(name)}")
    least, most = option.ends
    floor = None if scale == "log" and (option.low or 0.0) <= 0 else least
    _check(low, high, scale, option)
    return Dimension(
        option=name,
        scale=scale,
        low=low,
        high=high,
        floor=floor,
        ceiling=most,
        whole=type(option.default) is int,
        points=given.points,
    )


def _values(option: Option, given: SearchTable) -> tuple[Any, ...]:
    """Return the choices: those that are given, or all of an option that has few; raises ValueError."""
    ranged = given.low is not None or given.high is not None
    if given.values is None:
        choices = (False, True) if type(option.default) is bool else option.choices
        return () if ranged else tuple(choices)
    if option.default is None:
        return tuple(given.values)
    try:
        return tuple(convert(value, option) for value in given.values)
    except UserError as error:
        raise ValueError(str(error)) from None


def _range(option: Option, given: SearchTable, scale: str) -> tuple[float | None, float | None]:
    """Return where looking begins; None where nothing says it."""
    low, high = option.span or (None, None)
    if option.span is None and scale == "log" and option.default:
        low = max(option.default / AROUND, option.low or 0.0)
        high = min(option.default * AROUND, math.inf if option.high is None else option.high)
    elif option.span is None and scale == "linear":
        low, high = option.ends
    return (low if given.low is None else given.low), (high if given.high is None else given.high)


def _check(low: float, high: float, scale: str, option: Option) -> None:
    least, most = option.ends
    if scale == "log" and low <= 0:
        raise ValueError(f"given low = {low:g}; allowed: above 0 on a scale by log")
    if (least is None or least <= low) and low < high and (most is None or high <= most):
        return
    from_low = "" if option.low is None else f"{option.low:g} {'<' if option.bounds[0] == '(' else '<='} "
    to_high = "" if option.high is None else f" {'<' if option.bounds[1] == ')' else '<='} {option.high:g}"
    raise ValueError(f"given low = {low:g}, high = {high:g}; allowed: {from_low}low < high{to_high}")


def _too_large(space: Space, tuning: TuningTable) -> Iterator[tuple[str, str]]:
    """Yield why a grid can't begin."""
    settings = tuning.trials // tuning.seeds
    sizes = grid_sizes(space, settings)
    if space and tuning.method == "grid" and tuning.stored is None and math.prod(sizes) > settings:
        grid = " × ".join(map(str, sizes))
        yield (
            "tune",
            f"a grid of {grid} settings is beyond the budget of {settings}: tune less, or give more trials",
        )

"""Checks of what every record promises: a light import, a factory that takes every option, wrong values refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from optbench.api import Option, Refused, UserError
from optbench.api.errors import MissingData
from optbench.api.options import parts_table
from optbench.registry import check_options
from optbench.testing.blame import Frame, described
from optbench.testing.framework import Check, CheckFailed, Subject, require

_HEAVY = ("torch", "scipy", "pandas", "sklearn", "matplotlib", "seaborn")
_SECONDS = 30.0
_IMPORT = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[2])
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in json.loads(sys.argv[3]) if name in sys.modules]))
"""


def check_lazy(subject: Subject) -> None:
    """Import the module with the hooks in a fresh interpreter and look for heavy libraries."""
    module = subject.registered.module
    command = [sys.executable, "-P", "-c", _IMPORT, module, json.dumps(sys.path), json.dumps(_HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    told = done.stderr.strip().splitlines() or ["no reason given"]
    file = importlib.util.find_spec(module)
    at = f" ({Frame(str(file.origin), 1, '<module>')})" if file else ""
    require(done.returncode == 0, f"import {module} failed in a fresh interpreter: {told[-1]}{at}")
    heavy = json.loads(done.stdout.splitlines()[-1])
    remedy = 'name factories as "package.module:Name" texts and import there'
    require(not heavy, f"import {module}, which holds the hooks, imports {' and '.join(heavy)}; {remedy}{at}")


def _has_package(subject: Subject) -> str:
    return "" if subject.registered.distribution else "it comes from no installed package, whose import could be light"


def check_factory(subject: Subject) -> None:
    """Resolve the factory, and build with the options as they are."""
    made = subject.factory()
    require(callable(made), f"its factory {subject.record.factory!r} is {made!r}, which can't be called")
    if error := _mistake(subject):
        raise CheckFailed(f"its factory with {_written(subject.options)} raised {described(error, subject)}") from error


def check_options_hold(subject: Subject) -> None:
    """Build at the ends of each option's range and with each of its choices; write what lies beyond them."""
    subject.load()
    for name, option in subject.record.options.items():
        for value in _choices(option):
            _require_builds(subject, name, value, may_refuse=False)
        for value in _ends(option):
            _require_builds(subject, name, value, may_refuse=True)
        for value in _beyond(option):
            mistakes = check_options({name: value}, subject.record.options, subject.name)[1]
            require(mistakes, f"option {name}={value!r} lies outside its declared range, and yet is accepted")


def _has_options(subject: Subject) -> str:
    return "" if subject.record.options else "it has no options"


def _require_builds(subject: Subject, name: str, value: Any, *, may_refuse: bool) -> None:
    """Build with one option changed; at the end of a range a factory may refuse, in so many words."""
    values, mistakes = check_options({name: value}, subject.record.options, subject.name)
    require(not mistakes, f"option {name}={value!r} is declared, and yet refused: {mistakes and mistakes[0]}")
    error = _mistake(replace(subject, options={**subject.options, name: values[name]}))
    if isinstance(error, UserError | Refused | ValueError):
        raised = described(error, subject)
        require(may_refuse, f"option {name}={value!r} is one of its choices, and yet the factory raised {raised}")
    elif error is not None:
        raised = described(error, subject)
        raise CheckFailed(f"with option {name}={value!r}, which is declared, the factory raised {raised}") from error


def _mistake(subject: Subject) -> Exception | None:
    """Return what building raises; that data are missing is not the plugin's mistake, and passes through."""
    try:
        build(subject)
    except MissingData:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever a factory raises is told
        return error
    return None


def _choices(option: Option) -> Iterator[Any]:
    yield from option.choices
    if option.components:
        yield from parts_table(option.components)


def _ends(option: Option) -> Iterator[Any]:
    """Yield the lowest and the highest value; problems may be huge at the highest, which no check needs."""
    for end in option.ends:
        if end is not None:
            yield _like(option, end)


def _beyond(option: Option) -> Iterator[Any]:
    least, most = option.ends
    if option.low is not None:
        yield _like(option, option.low - (least == option.low))
    if option.high is not None:
        yield _like(option, option.high + (most == option.high))
    if option.choices and all(isinstance(choice, str) for choice in option.choices):
        yield "no-such-choice"


def _like(option: Option, bound: float) -> Any:
    if isinstance(option.default, list | tuple):
        return [bound] * max(1, len(option.default))
    return type(option.default)(bound)


def build(subject: Subject) -> Any:
    """Return what the factory makes: problems on the CPU in float64, data sets whatever is cached."""
    if subject.kind == "data-sets":
        return subject.data_set().made()
    if subject.kind != "problems":
        return _BUILT[subject.kind](subject)
    from optbench.testing.trials import place

    return subject.problem(place())


def _written(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.items()) or "no options"


_BUILT: Mapping[str, Callable[[Subject], Any]] = {
    "optimizers": Subject.optimizer,
    "meta-algorithms": Subject.meta_algorithm,
    "initializers": Subject.initializer,
}
LOADING_CHECKS: tuple[Check, ...] = (
    Check(
        "loads-lazily",
        "Importing the module with the hooks imports no heavy library.",
        check_lazy,
        _has_package,
        of_module=True,
    ),
    Check("builds-with-its-options", "The factory takes every option by keyword.", check_factory, builds=True),
    Check("options-hold", "Every declared value of an option is accepted.", check_options_hold, _has_options),
)

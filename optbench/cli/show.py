"""`optbench show NAME`: everything about one name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optbench.api import UserError
from optbench.cli._common import (
    console,
    json_option,
    open_catalogue,
    plain,
    plugin_options,
    print_json,
    print_table,
    warn_broken,
)
from optbench.cli._describe import allowed_text, option_type, to_json
from optbench.cli._minima import facts_of, minima_of
from optbench.cli._parts import choices, show_choices

if TYPE_CHECKING:
    from optbench.api import Option, Part
    from optbench.records import Call, Component, SuiteSpec
    from optbench.registry import Catalogue, Registered


@click.command("show")
@click.argument("name")
@json_option
@plugin_options
def command(name: str, *, as_json: bool, plugin: tuple[Path, ...], block: tuple[str, ...]) -> None:
    """Show what NAME stands for: its options, orders and citation, its minima, and the suites that use it.

    NAME is a name of any kind, or of what an option takes, such as a line search; `problems/NAME` looks among the
    problems only. Minima depend on a problem's options: 'chebyquad(n=10)' shows those of ten variables.
    """
    catalogue = open_catalogue(plugin, block)
    call = _call(name)
    if not _kinds(catalogue, call.name) and (parts := choices(catalogue)).get(call.name):
        show_choices(call.name, parts[call.name], as_json=as_json)
        return
    kind, found = _find(catalogue, call.name)
    if call.options and kind != "problems":
        raise UserError(name, "only problems are shown with options", f"write {call.name}")
    data = {"type": kind, **to_json(found), **_details(kind, found, catalogue, call)}
    if as_json:
        print_json(data)
    else:
        _print(kind, found, data)
    warn_broken(catalogue)


def _call(text: str) -> Call:
    from optbench.records import Call, ExpressionError, parse_one

    try:
        return parse_one(text) if "(" in text else Call(text)
    except ExpressionError as error:
        raise UserError(str(error)) from None


def _find(catalogue: Catalogue, name: str) -> tuple[str, Registered]:
    """Return the one record of that name, with its kind; raises UserError."""
    from optbench.records.nearest import suggestion
    from optbench.registry import KINDS

    prefix, _, rest = name.partition("/")
    wanted = [kind for kind in KINDS.values() if prefix in (kind.name, kind.singular) and rest]
    if wanted:
        return wanted[0].name, catalogue.get(wanted[0].name, rest)
    kinds = _kinds(catalogue, name)
    if len(kinds) > 1:
        raise UserError(f"{name!r} is a name of {' and of '.join(kinds)}", f"write {kinds[0]}/{name}")
    if kinds or ":" in name:
        kind = kinds[0] if kinds else "optimizers"
        return kind, catalogue.get(kind, name)
    everything = [*(known for kind in KINDS for known in catalogue.names(kind)), *choices(catalogue)]
    raise UserError(f"nothing is called {name!r}", suggestion(name, everything), "`optbench list KIND` shows the names")


def _kinds(catalogue: Catalogue, name: str) -> list[str]:
    """Return the kinds that have a record of that name."""
    from optbench.registry import KINDS

    return [kind for kind in KINDS if any(name in (x.name, x.qualified) for x in catalogue.records(kind))]


def _details(kind: str, found: Registered, catalogue: Catalogue, call: Call) -> dict[str, Any]:
    """Return what only `show` tells: the parts of component options, minima, a suite's content, the suites' users."""
    if kind == "suites":
        return _suite(found, catalogue)
    details = {"parts": _parts(found), "suites": _users(kind, found, catalogue)}
    return details | ({"minima": minima_of(found, _options(found, call))} if kind == "problems" else {})


def _options(found: Registered, call: Call) -> Mapping[str, Any]:
    """Return every option's value; raises UserError with the first mistake."""
    from optbench.registry import check_options

    values, mistakes = check_options(call.options, found.record.options, f"problem {found.qualified}")
    if mistakes:
        raise mistakes[0]
    return values


def _parts(found: Registered) -> dict[str, dict[str, Any]]:
    return {
        option: {part: {"summary": entry.summary, "options": plain(entry.options)} for part, entry in table.items()}
        for option, table in _tables(found).items()
    }


def _tables(found: Registered) -> dict[str, Mapping[str, Part]]:
    """Return what each component option chooses from."""
    from optbench.api.options import parts_table

    options: dict[str, Option] = getattr(found.record, "options", {})
    return {name: parts_table(declared.components) for name, declared in options.items() if declared.components}


def _users(kind: str, found: Registered, catalogue: Catalogue) -> list[str]:
    """Return the suites that use a record; a suite that can't be read uses nothing."""
    from optbench.suites import load_suite

    users = []
    for suite in catalogue.records("suites"):
        try:
            spec = load_suite(suite.record.path, catalogue)
        except UserError:
            continue
        if found.qualified in _used(kind, spec, catalogue):
            users.append(suite.name)
    return sorted(users)


def _used(kind: str, spec: SuiteSpec, catalogue: Catalogue) -> set[str]:
    from optbench.registry.kinds import NAMED

    if kind in NAMED:
        return {named for entry in spec.problems for named in _named(entry.use, catalogue)}
    return {
        "problems": {entry.use.name for entry in spec.problems},
        "optimizers": {entry.use.name for entry in spec.optimizers},
        "meta-algorithms": {meta.name for entry in spec.optimizers for meta in entry.meta_algorithms},
        "metrics": set(spec.metrics),
    }.get(kind, set())


def _named(problem: Component, catalogue: Catalogue) -> set[str]:
    from optbench.registry import named_plugins

    named = named_plugins(catalogue, catalogue.get("problems", problem.name), problem.options)
    return {registered.qualified for registered, _ in named.values()}


def _suite(found: Registered, catalogue: Catalogue) -> dict[str, Any]:
    from optbench.cli._plan import Plan
    from optbench.suites import load_suite

    spec = load_suite(found.record.path, catalogue)
    plan = Plan.of(spec, catalogue)
    refused = [
        {"problem": trial.problem.name, "optimizer": trial.optimizer.name, "reason": reason}
        for trial, reason in plan.plain.refused
    ]
    return {"spec": spec.to_json(), "trials": plan.expected, "refused": refused}


def _print(kind: str, found: Registered, data: dict[str, Any]) -> None:
    from rich.markup import escape

    out = console()
    out.print(f"[bold]{escape(found.qualified)}[/bold]  {kind}  {escape(found.record.summary)}\n")
    for label, value in _facts(found, data):
        out.print(f"{label:<14}{escape(value)}", soft_wrap=True)
    if options := getattr(found.record, "options", {}):
        rows = [_row(*item) for item in options.items()]
        print_table(("option", "default", "type", "allowed", "meaning"), rows, spare=("type",))
    for option, table in _tables(found).items():
        rows = [row for name, part in table.items() for row in _part_rows(name, part)]
        print_table((option, "its options", "default", "allowed", "meaning"), rows)


def _part_rows(name: str, part: Part) -> Iterator[tuple[str, ...]]:
    """Yield a row for the part and one for each of its options."""
    yield name, "", "", "", part.summary
    for option, declared in part.options.items():
        yield "", option, str(declared.default), allowed_text(declared), declared.doc


def _row(name: str, option: Option) -> tuple[str, ...]:
    return name, str(option.default), option_type(option), allowed_text(option), option.doc


def _facts(found: Registered, data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the labelled lines; what is empty is left out."""
    spec = data.get("spec", {})
    facts = {
        "evaluates": data.get("evaluations"),
        "needs": _needs(data),
        "gives": data.get("gives"),
        "state memory": data.get("state_memory"),
        "peak memory": _peak_memory(data),
        "extra memory": data.get("extra_memory"),
        "step time": data.get("step_time"),
        "host syncs": _host_syncs(data),
        "deterministic": _deterministic(data),
        "kind": data.get("kind"),
        **facts_of(data.get("minima", {})),
        "title": spec.get("title"),
        "problems": [entry["use"]["name"] for entry in spec.get("problems", ())],
        "optimizers": [entry["use"]["name"] for entry in spec.get("optimizers", ())],
        "trials": data.get("trials"),
        "examples": ", ".join(f"{count} {split}" for split, count in data.get("examples", {}).items()),
        "shape": " × ".join(map(str, data.get("shape", ()))),
        "classes": data.get("classes"),
        "difficulty": data.get("difficulty"),
        "source": data.get("source"),
        "licence": data.get("licence"),
        "cite": data.get("cite"),
        "factory": data.get("factory"),
        "plugin": f"{found.plugin} ({found.distribution} {found.version})" if found.distribution else found.plugin,
        "suites": data.get("suites"),
    }
    lines = [(label, _text(value)) for label, value in facts.items() if value]
    return [*lines, *_measured(data["spec"])] if "spec" in data else lines


def _measured(described: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a suite's trials end at and are scored by, what is swept, and a line for each gate."""
    from optbench.records import SuiteSpec

    spec = SuiteSpec.from_json(described)
    budgets = dict.fromkeys((entry.budget or spec.budget).in_words for entry in spec.problems)
    lines = [("budget", "; ".join(budgets)), ("targets", ", ".join(spec.targets))]
    if spec.scaling is not None:
        projected = f", worked out at {', '.join(map(str, spec.scaling.project))}" if spec.scaling.project else ""
        lines.append(("scaling", f"{', '.join(spec.scaling.quantities)} against {spec.scaling.option}{projected}"))
    if spec.tuning is not None:
        searched = () if spec.tuning.stored else spec.optimizers
        tuned = (f"{entry.use.short}: {part.in_words}" for entry in searched for part in entry.space)
        lines.append(("tuning", "; ".join((spec.tuning.in_words, *dict.fromkeys(tuned)))))
    if spec.ablations:
        switched = dict.fromkeys(f"{_recipe(item.factor)} with {_recipe(item.base)}" for item in spec.ablations)
        lines.append(("ablation", "; ".join(switched)))
    gates = [f"{gate.name}: {gate.statement}" for gate in spec.gates]
    return [*lines, *(("" if number else "gates", gate) for number, gate in enumerate(gates))]


def _recipe(recipe: Sequence[Component]) -> str:
    return " + ".join(part.short for part in recipe)


def _host_syncs(data: dict[str, Any]) -> str:
    if "host_syncs" not in data:
        return ""
    if data["host_syncs"] is None:
        return "unbounded"
    further = (f", {count} for each {kind} in it" for kind, count in data["host_syncs_per"].items())
    others = (
        f"; {count} with {option}={value}"
        for option, counts in data["host_syncs_with"].items()
        for value, count in counts.items()
    )
    return "".join((f"{data['host_syncs']} a step at most", *others, *further))


def _needs(data: dict[str, Any]) -> str:
    further = data.get("needs_with", {})
    more = (
        f"{', '.join(sorted(needs))} with {option}={value}"
        for option, values in further.items()
        for value, needs in values.items()
    )
    return "; ".join(filter(None, (", ".join(data.get("needs", ())), *more)))


def _peak_memory(data: dict[str, Any]) -> str:
    orders = data.get("peak_memory_with", {})
    dearer = (
        f"; {order} with {option}={value}" for option, values in orders.items() for value, order in values.items()
    )
    return "".join((data.get("peak_memory", ""), *dearer))


def _deterministic(data: dict[str, Any]) -> str:
    if "deterministic" not in data:
        return ""
    drawn = (f"{option}={value}" for option, values in data["random_options"].items() for value in values)
    exceptions = ", ".join(drawn)
    if not data["deterministic"]:
        return "no, seeds matter"
    return f"yes, but for {exceptions}" if exceptions else "yes"


def _text(value: Any) -> str:
    return ", ".join(dict.fromkeys(value)) if isinstance(value, list) else str(value)

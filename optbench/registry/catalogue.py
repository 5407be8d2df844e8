"""The catalogue: every plugin's records, collected hook by hook when they are first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pluggy

from optbench.api import OptimizerPlugin, UserError
from optbench.api.factories import CLASS_NAME
from optbench.records import TrialRecord
from optbench.records.nearest import suggestion
from optbench.registry.factories import locate_module
from optbench.registry.kinds import KINDS, RecordKind
from optbench.registry.validation import fault


@dataclass(frozen=True)
class Source:
    """Where a plugin came from."""

    name: str  # the entry point's name, or the file's stem with hyphens
    distribution: str = ""  # empty for a file
    version: str = ""
    module: str = ""
    path: Path | None = None

    @property
    def provider(self) -> str:
        """How a message names the one who provides it."""
        return f"distribution {self.distribution}" if self.distribution else f"file {self.path or self.name}"


@dataclass(frozen=True)
class Broken:
    """What of a plugin can't be used, and why; the rest of it and of the catalogue stays usable."""

    plugin: str
    distribution: str
    where: str  # "import", "API", "register", a hook's name, or "hook/record"
    reason: str


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A record with its qualified name and its origin."""

    record: Any  # the record type of its kind
    plugin: str
    qualified: str  # "plugin/name", or "module:Class"
    distribution: str
    version: str
    module: str
    path: Path | None

    @property
    def name(self) -> str:
        """The record's own name."""
        return str(self.record.name)


@dataclass(frozen=True, kw_only=True)
class PluginInfo:
    """A plugin that was loaded: what it implements and how many records of each kind it yields."""

    name: str
    distribution: str
    version: str
    module: str
    path: Path | None
    hooks: tuple[str, ...]
    counts: Mapping[str, int]


class Catalogue:
    """Every usable record of every plugin; a hook is called when its kind is first asked for, and once only."""

    def __init__(self, manager: pluggy.PluginManager, sources: Sequence[Source], broken: Sequence[Broken] = ()) -> None:
        """Keep the registered plugins in the order of `sources`; `manager` knows each under its source's name."""
        self._manager = manager
        self._sources = tuple(sources)
        self._broken = list(broken)
        self._collected: dict[str, tuple[Registered, ...]] = {}

    @property
    def broken(self) -> tuple[Broken, ...]:
        """What was found broken so far; complete after `plugins`, which calls every hook."""
        return tuple(self._broken)

    def records(self, kind: str) -> tuple[Registered, ...]:
        """Return the records of a kind, in the order of the plugins."""
        if kind not in KINDS:
            raise UserError(f"unknown kind {kind!r}", f"kinds: {', '.join(KINDS)}", suggestion(kind, KINDS))
        if kind not in self._collected:
            found = [item for source in self._sources for item in self._collect(KINDS[kind], source)]
            self._collected[kind] = tuple(found)
        return self._collected[kind]

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the shortest unambiguous name of each record of a kind, sorted."""
        bare = [item.name for item in self.records(kind)]
        return tuple(sorted(x.name if bare.count(x.name) == 1 else x.qualified for x in self.records(kind)))

    def get(self, kind: str, name: str) -> Registered:
        """Return the record of that name, bare or "plugin/name"; raises UserError.

        An optimizer may also be `module:Class`, any class with the torch.optim interface.
        """
        found = [item for item in self.records(kind) if name in (item.name, item.qualified)]
        if len(found) == 1:
            return found[0]
        if found:
            raise self._ambiguous(kind, name, found)
        if kind == "optimizers" and CLASS_NAME.fullmatch(name):
            return _torch_class(name)
        raise self._unknown(kind, name)

    def implementers(self, hook: str) -> tuple[Source, ...]:
        """Return the plugins that implement a hook, those found last first, as pluggy calls them; calls none."""
        named = {impl.plugin_name for impl in getattr(self._manager.hook, hook).get_hookimpls()}
        return tuple(source for source in reversed(self._sources) if source.name in named)

    @cached_property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was loaded; calls every hook."""
        return tuple(self._info(source) for source in self._sources)

    def notify(self, record: TrialRecord) -> tuple[Broken, ...]:
        """Tell the plugins of a finished trial; return (and keep) what went wrong in them."""
        failed = []
        for impl in self._manager.hook.optbench_trial_finished.get_hookimpls():
            try:
                impl.function(*([record] if "record" in impl.argnames else []))
            except Exception as error:  # noqa: BLE001 -- a plugin must not take the run down
                source = next(item for item in self._sources if item.name == impl.plugin_name)
                failed.append(Broken(source.name, source.distribution, "optbench_trial_finished", describe(error)))
        self._broken += [item for item in failed if item not in self._broken]
        return tuple(failed)

    def _collect(self, kind: RecordKind, source: Source) -> list[Registered]:
        """Return the usable records of one plugin; what can't be used goes to `broken`."""
        items = self._yielded(kind, source)
        found: dict[str, Registered] = {}
        for index, record in enumerate(items):
            reason = fault(record, kind)
            if not reason and record.name in found:
                reason = f"a second {kind.singular} of this name in one plugin"
            if reason:
                label = getattr(record, "name", None) or f"record {index + 1}"
                self._broken.append(Broken(source.name, source.distribution, f"{kind.hook}/{label}", reason))
            else:
                found[record.name] = _registered(record, source)
        return list(found.values())

    def _yielded(self, kind: RecordKind, source: Source) -> list[Any]:
        plugin = self._manager.get_plugin(source.name)
        impls = [impl for impl in getattr(self._manager.hook, kind.hook).get_hookimpls() if impl.plugin is plugin]
        try:
            return [record for impl in impls for record in impl.function() or ()]
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 -- a plugin may even sys.exit()
            self._broken.append(Broken(source.name, source.distribution, kind.hook, describe(error)))
            return []

    def _info(self, source: Source) -> PluginInfo:
        callers = self._manager.get_hookcallers(self._manager.get_plugin(source.name)) or []
        counts = {
            kind: number for kind in KINDS if (number := sum(item.plugin == source.name for item in self.records(kind)))
        }
        return PluginInfo(
            name=source.name,
            distribution=source.distribution,
            version=source.version,
            module=source.module,
            path=source.path,
            hooks=tuple(sorted(caller.name for caller in callers)),
            counts=counts,
        )

    def _ambiguous(self, kind: str, name: str, found: Sequence[Registered]) -> UserError:
        providers = " and ".join(f"{item.qualified} ({item.distribution or item.path})" for item in found)
        return UserError(
            f"{KINDS[kind].singular} {name!r} is provided twice: {providers}", "", "write the name in full"
        )

    def _unknown(self, kind: str, name: str) -> UserError:
        names = [*self.names(kind), *(item.qualified for item in self.records(kind))]
        given = f"unknown {KINDS[kind].singular} {name!r}"
        elsewhere = [other for other in KINDS if other != kind and name in self.names(other)]
        if elsewhere:
            given += f" (it is one of the {elsewhere[0]})"
        return UserError(given, suggestion(name, names), f"`optbench list {kind}` shows the names")


def describe(error: BaseException) -> str:
    """Return an exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _registered(record: Any, source: Source) -> Registered:
    return Registered(
        record=record,
        plugin=source.name,
        qualified=f"{source.name}/{record.name}",
        distribution=source.distribution,
        version=source.version,
        module=source.module,
        path=source.path,
    )


def _torch_class(name: str) -> Registered:
    """Return a record for a class that no plugin registers; its options are the class's own affair."""
    module = name.partition(":")[0]
    path = locate_module(module)
    if path is None:
        raise UserError(f"unknown optimizer {name!r}", f"no module {module!r} can be found", "is it installed?")
    summary = "A class with the torch.optim interface."
    record = OptimizerPlugin(name=name, factory=name, summary=summary)
    return Registered(record=record, plugin="", qualified=name, distribution="", version="", module=module, path=path)

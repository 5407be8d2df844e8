"""Finding plugins: entry points one by one, then the files that the user gave."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from optbench.api import API_VERSION, PROJECT, Hooks, UserError
from optbench.records.nearest import suggestion
from optbench.registry.catalogue import Broken, Catalogue, Source, describe
from optbench.registry.files import import_file

_PLUGIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def load_catalogue(
    *, plugin_files: Sequence[Path] = (), block: Sequence[str] = (), only: Sequence[str] | None = None
) -> Catalogue:
    """Load the installed plugins and the given files; a broken installed one is reported, a broken file is a UserError.

    `block` and `only` name entry points or distributions, as do the variables OPTBENCH_BLOCK and OPTBENCH_PLUGINS
    (commas between; an empty OPTBENCH_PLUGINS loads no installed plugin). `only` overrides OPTBENCH_PLUGINS.
    """
    allowed = _listed("OPTBENCH_PLUGINS") if only is None else frozenset(only)
    blocked = (_listed("OPTBENCH_BLOCK") or frozenset()) | frozenset(block)
    loader = _Loader()
    for entry in sorted(entry_points(group=PROJECT), key=lambda entry: (entry.name, _distribution(entry))):
        names = {entry.name, _distribution(entry)}
        if not names & blocked and (allowed is None or names & allowed):
            loader.add_entry_point(entry)
    for path in dict.fromkeys(Path(file).resolve() for file in plugin_files):
        loader.add_file(path)
    return loader.catalogue()


def installed_names() -> frozenset[str]:
    """Return the names by which installed plugins can be blocked: of entry points and of their distributions."""
    entries = entry_points(group=PROJECT)
    return frozenset(name for entry in entries for name in (entry.name, _distribution(entry)) if name)


def build_catalogue(plugins: Mapping[str, Any]) -> Catalogue:
    """Return the catalogue of the given modules or objects by plugin name, with nothing discovered (for tests)."""
    loader = _Loader()
    for name, plugin in plugins.items():
        loader.add(plugin, Source(name, module=getattr(plugin, "__name__", type(plugin).__module__)))
    return loader.catalogue()


class _Loader:
    """Registers plugins with pluggy one at a time, and keeps what went wrong."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(Hooks)
        self.sources: list[Source] = []
        self.broken: list[Broken] = []

    def catalogue(self) -> Catalogue:
        return Catalogue(self.manager, self.sources, self.broken)

    def add_entry_point(self, entry: EntryPoint) -> None:
        version = entry.dist.version if entry.dist else ""
        source = Source(entry.name, _distribution(entry), version, entry.module)
        if rival := self._rival(source):
            self._report(source, "import", f"the name is taken by the plugin of {rival.provider}")
            return
        try:
            plugin = entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 -- a plugin may raise anything, even sys.exit()
            self._report(source, "import", describe(error))
            return
        file = getattr(plugin, "__file__", None)
        self.add(plugin, Source(*_fields(source), Path(file) if file else None))

    def add_file(self, path: Path) -> None:
        module = import_file(path)
        source = Source(path.stem.replace("_", "-"), module=module.__name__, path=path)
        if not _PLUGIN_NAME.fullmatch(source.name):
            raise UserError(f"plugin file {path}", "its name must start with a letter or digit", "rename the file")
        if rival := self._rival(source):
            taken = f"its name {source.name!r} is taken by the plugin of {rival.provider}"
            raise UserError(f"plugin file {path}", taken, "rename the file")
        before = len(self.broken)
        self.add(module, source)
        if len(self.broken) > before:
            raise UserError(f"plugin file {path}: {self.broken[-1].reason}")

    def add(self, plugin: Any, source: Source) -> None:
        """Register a plugin unless it was written for another API; nothing is kept of a refused one."""
        if reason := _api_fault(getattr(plugin, "OPTBENCH_API", API_VERSION)):
            self._report(source, "API", reason)
            return
        if twin := self.manager.get_name(plugin):
            self._report(source, "register", f"the same module is loaded as plugin {twin!r} already")
            return
        try:
            self.manager.register(plugin, name=source.name)
        except Exception as error:  # noqa: BLE001 -- whatever pluggy or the plugin's attributes raise
            if self.manager.has_plugin(source.name):  # pluggy before 1.7 keeps what it registered until then
                self.manager.unregister(name=source.name)
            self._report(source, "register", describe(error))
            return
        self.sources.append(source)
        for where, reason in _hook_faults(plugin):
            self._report(source, where, reason)

    def _rival(self, source: Source) -> Source | None:
        return next((item for item in self.sources if item.name == source.name), None)

    def _report(self, source: Source, where: str, reason: str) -> None:
        self.broken.append(Broken(source.name, source.distribution, where, reason))


def _fields(source: Source) -> tuple[str, str, str, str]:
    return source.name, source.distribution, source.version, source.module


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else ""


def _listed(variable: str) -> frozenset[str] | None:
    """Return the names in an environment variable, or None where it is not set."""
    text = os.environ.get(variable)
    return None if text is None else frozenset(name.strip() for name in text.split(",") if name.strip())


def _api_fault(version: Any) -> str:
    try:
        major, minor = (int(part) for part in version)
    except (TypeError, ValueError):
        return f"OPTBENCH_API is {version!r}; expected a pair such as {API_VERSION}"
    if major == API_VERSION[0] and minor <= API_VERSION[1]:
        return ""
    return f"written for plugin API {major}.{minor}; this optbench has {API_VERSION[0]}.{API_VERSION[1]}"


def _hook_faults(plugin: Any) -> Iterable[tuple[str, str]]:
    """Yield the functions that look like hooks and are none: misspelt, or without @hookimpl."""
    known = {name for name in vars(Hooks) if name.startswith("optbench_")}
    hooks = f"hooks: {', '.join(sorted(known))}"
    for name in dir(plugin):
        function = getattr(plugin, name, None)
        if not name.startswith("optbench_") or isinstance(function, ModuleType) or not callable(function):
            continue
        marks = getattr(function, f"{PROJECT}_impl", None)
        if name not in known and not (marks or {}).get("optionalhook"):
            yield name, f"no such hook; {suggestion(name, known) or hooks}"
        elif name in known and marks is None:
            yield name, "not marked with @hookimpl, so it is never called"

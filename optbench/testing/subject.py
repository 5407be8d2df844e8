"""What is checked: a plugin's record with its options, and the engine's own way of building it. Imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from optbench.api import Evaluation, Plugin
from optbench.api.factories import CLASS_NAME
from optbench.registry import (
    KINDS,
    Catalogue,
    NamedPlugin,
    Registered,
    build_catalogue,
    fill_in,
    load_catalogue,
    named_factories,
    named_plugins,
)

if TYPE_CHECKING:
    from optbench.api.datasets import NamedDataSet
    from optbench.measure.place import Place


@dataclass(frozen=True, eq=False)  # one object a subject, so that what is measured of it can be kept
class Subject:
    """A record as the catalogue has it, with every option resolved."""

    registered: Registered
    options: Mapping[str, Any] = field(default_factory=dict)
    named: Mapping[str, NamedPlugin] = field(default_factory=dict)  # option -> the plugin that it names

    @classmethod
    def with_options(
        cls, registered: Registered, given: Mapping[str, Any], catalogue: Catalogue | None = None
    ) -> Subject:
        """Return the subject with what was not given as in a problem's small copy, or as by default.

        Raises UserError for wrong options.

        What options name is looked up in `catalogue`, by default in that of everything that is installed.
        """
        if catalogue is None:
            names = any(option.plugins for option in registered.record.options.values())
            catalogue = load_catalogue() if names else build_catalogue({})
        small = getattr(registered.record, "small", {})
        values, mistakes = fill_in(catalogue, registered, {**small, **given}, registered.qualified)
        if mistakes:
            raise mistakes[0]
        return cls(registered, values, named_plugins(catalogue, registered, values))

    @classmethod
    def of_record(cls, record: Plugin, options: Mapping[str, Any] | None = None) -> Subject:
        """Return the subject of a record that is in no catalogue; raises UserError for wrong options."""
        module = record.factory.partition(":")[0]
        registered = Registered(
            record=record,
            plugin="",
            qualified=record.name,
            distribution="",
            version="",
            module=module,
            path=None,
        )
        return cls.with_options(registered, options or {})

    @property
    def record(self) -> Any:
        """The plugin's record."""
        return self.registered.record

    @property
    def name(self) -> str:
        """The qualified name."""
        return self.registered.qualified

    @property
    def kind(self) -> str:
        """The plural name of its kind: "optimizers", "problems", "data-sets"."""
        return next(kind.name for kind in KINDS.values() if isinstance(self.record, kind.record_type))

    @property
    def declared(self) -> frozenset[Evaluation]:
        """What an optimizer may ask of the oracle; everything where no record says it (`module:Class`)."""
        if not self.registered.plugin and CLASS_NAME.fullmatch(self.name):
            return frozenset(get_args(Evaluation))
        asked: frozenset[Evaluation] = self.record.evaluations
        return asked

    @cached_property
    def plugin_files(self) -> Mapping[str, str]:
        """Modules that another process can't import by name, with their files, as in `records.Job.plugin_files`."""
        named = [registered for registered, _ in self.named.values()]
        files = {
            item.module: str(item.path)
            for item in (self.registered, *named)
            if item.plugin and not item.distribution and item.path
        }
        if files:
            return files
        loaded = sys.modules.get(self.factory_module)
        file = getattr(loaded, "__file__", None)
        return {self.factory_module: str(file)} if file and not self.registered.plugin else {}

    @property
    def factory_module(self) -> str:
        """The module that the factory lives in."""
        module: str = self.record.factory.partition(":")[0]
        return module

    def root(self) -> Path | None:
        """Return the folder of the plugin's own code (its file, where it is a single one); None before its import."""
        module = sys.modules.get(self.factory_module)
        file = getattr(module, "__file__", None)
        if file is None:
            return None
        return Path(file).resolve().parent if getattr(module, "__package__", "") else Path(file).resolve()

    def load(self) -> None:
        """Import the plugin's file, where it is one, as a trial's process does."""
        from optbench.api.datasets import announce_datasets, installed_modules
        from optbench.measure.factories import load_plugin_files

        load_plugin_files(self.plugin_files)
        announce_datasets({**installed_modules(), self.registered.plugin: self.registered.module})

    def optimizer(self) -> Any:
        """Return a new optimizer."""
        from optbench.measure.factories import build_optimizer

        self.load()
        return build_optimizer(self.record.factory, self.options)

    def problem(self, place: Place, **changes: Any) -> Any:
        """Return a new problem on the place's device, dtype and streams; `changes` override options."""
        from optbench.measure.factories import build_problem, with_built

        self.load()
        options = with_built({**self.options, **changes}, named_factories(self.named))
        return build_problem(self.record.factory, options, place)

    def meta_algorithm(self) -> Any:
        """Return a new meta-algorithm."""
        return self.factory()(**self.options)

    def initializer(self) -> Any:
        """Return a new initializer."""
        return self.factory()(**self.options)

    def data_set(self, **changes: Any) -> NamedDataSet:
        """Return the data set, which makes or loads its arrays; `changes` override options."""
        from optbench.api.datasets import NamedDataSet

        self.load()
        return NamedDataSet(plugin=self.registered.plugin, record=self.record, options={**self.options, **changes})

    def factory(self) -> Any:
        """Return what the record names as its factory."""
        from optbench.measure.factories import resolve

        self.load()
        return resolve(self.record.factory)

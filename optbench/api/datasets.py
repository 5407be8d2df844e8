"""Data sets by name: `load_dataset("addition(digits=4)")` gives cached arrays, whichever plugin states the set."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.api.data import DataSet, cache_folder, dataset
from optbench.api.data_files import has_files, read_files, read_input, remember_input
from optbench.api.errors import MissingData, UserError
from optbench.api.factories import resolve_factory
from optbench.api.hooks import PROJECT
from optbench.api.options import check_options
from optbench.api.plugins import DataSetPlugin, missing_library
from optbench.records import Call, ExpressionError, content_hash, parse_one
from optbench.records.nearest import suggestion

if TYPE_CHECKING:
    from optbench.api.data import Array

HOOK = "optbench_datasets"
_SEED = "seed"
_announced: list[Mapping[str, str]] = []


def load_dataset(text: str) -> DataSet:
    """Return the arrays of the data set that an expression names, such as "digits" or "copy(digits=4, seed=1)".

    They come from the cache; what is not there yet is made, but never fetched from the net. Raises UserError, whose
    one line tells what is missing and how to get it.
    """
    return named_dataset(text).load()


def announce_datasets(modules: Mapping[str, str]) -> None:
    """Tell which plugins' modules are asked for data sets in this process; without it, those of `installed_modules`."""
    _announced[:] = [modules]


def installed_modules() -> dict[str, str]:
    """Return the module of each installed plugin, by the plugin's name."""
    return {entry.name: entry.module for entry in entry_points(group=PROJECT)}


@dataclass(frozen=True, kw_only=True)
class NamedDataSet:
    """A data set with all its options, whether it is cached or not."""

    plugin: str
    record: DataSetPlugin
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        """How the set is written, with its options."""
        return str(Call(self.record.name, self.options))

    @property
    def folder(self) -> Path:
        """Where it is cached, or will be; reads the user's own files, if it is made of them."""
        return cache_folder(*self._key(self._inputs()[1]))

    @property
    def cached(self) -> bool:
        """Whether the arrays are there; sets of the user's own files are where these can be read."""
        try:
            return self.folder.exists()
        except UserError:
            return False

    @property
    def missing(self) -> str:
        """Why the arrays can't be made here, and what to do; empty where they can, or are cached."""
        if self.cached:
            return ""
        if why := missing_library(self.record):
            return f"data set {why}"
        return str(self._nowhere()) if self.record.files and not self._folder_with_files() else ""

    def load(self) -> DataSet:
        """Return the arrays; raises UserError where something is missing or damaged."""
        contents, digests = self._inputs()
        found = self._from_cache(digests, lambda: contents or self._installed_files())
        for name, digest in digests.items():
            remember_input(self.options[name], digest)
        return found

    def made(self) -> Mapping[str, Array]:
        """Return the arrays as the factory makes them now, whatever is cached; nothing is kept. Raises as `load`."""
        return self._make(self._inputs()[0] or self._installed_files())

    def fetch(self, place: str = "") -> DataSet:
        """Return the arrays, made of the files in a folder or under a URL; these are compared even if it is cached."""
        files = self.record.files
        if place and not files:
            raise UserError(f"data set {self.record.name} is made from no files that could be fetched", self._remedy())
        if not files or (not place and self._folder_with_files()):
            return self.load()
        contents = read_files(files, place) if place else None
        return self._from_cache({}, lambda: contents or self._from_its_url())

    def _from_its_url(self) -> dict[str, bytes]:
        if not self.record.url:
            raise self._nowhere()
        try:
            return read_files(self.record.files, self.record.url)
        except UserError as error:
            raise UserError(error.given, self._remedy()) from None

    def _from_cache(self, digests: Mapping[str, str], contents: Callable[[], Mapping[str, bytes]]) -> DataSet:
        name, version = self._key(digests)
        return dataset(name, lambda: self._make(contents()), version)

    def _key(self, digests: Mapping[str, str]) -> tuple[str, str]:
        """Return what the cache knows the set by: its name and version, options, and files of the user's."""
        chosen = {name: value for name, value in self.options.items() if name not in self.record.inputs}
        told = f"-{content_hash([chosen, dict(digests)])[:12]}" if chosen or digests else ""
        return f"{self.plugin}.{self.record.name}", f"{self.record.edition}{told}"

    def _make(self, contents: Mapping[str, bytes]) -> Mapping[str, Array]:
        """Call the factory."""
        if why := missing_library(self.record):
            raise UserError(f"data set {why}")
        given = {name: value for name, value in self.options.items() if name not in self.record.inputs}
        if self.record.files or self.record.inputs:
            given["files"] = contents
        if self.record.generated:
            from optbench.api.streams import SeededStreams

            given["streams"] = SeededStreams(given.pop(_SEED, 0))
        return _sound(resolve_factory(self.record.factory)(**given), self.record.name)

    def _inputs(self) -> tuple[dict[str, bytes], dict[str, str]]:
        """Return what the files of the user's hold, and their hashes; a file that is not given is left out."""
        given = [name for name in self.record.inputs if self.options[name]]
        read = {name: read_input(self.options[name]) for name in given}
        if self.record.inputs and self.record.inputs[0] not in read:
            raise MissingData(
                f"data set {self.record.name} wants {self.record.inputs[0]}", f"a path, as in {self._example()}"
            )
        return {name: item[0] for name, item in read.items()}, {name: item[1] for name, item in read.items()}

    def _example(self) -> str:
        return str(Call(self.record.name, {self.record.inputs[0]: "FILE"}))

    def _installed_files(self) -> dict[str, bytes]:
        if not self.record.files:
            return {}
        folder = self._folder_with_files()
        if not folder:
            raise self._nowhere()
        return read_files(self.record.files, folder)

    def _folder_with_files(self) -> str:
        """Return the folder where a package of the system has put the files; empty where none has."""
        return next((folder for folder in self.record.folders if has_files(self.record.files, folder)), "")

    def _nowhere(self) -> MissingData:
        return MissingData(f"data set {self.record.name} is not on this machine", self._remedy())

    def _remedy(self) -> str:
        fetch = f"`optbench data fetch {self.record.name} --from FOLDER|URL`" if self.record.files else ""
        return " or ".join(way for way in (self.record.obtain, fetch) if way)


def _sound(made: Any, name: str) -> Mapping[str, Array]:
    """Return what a factory made; raises UserError where these are no arrays, or a part's have unlike lengths."""
    import numpy as np

    if not isinstance(made, Mapping):
        raise UserError(f"data set {name}: its factory made a {type(made).__name__}", "arrays of numpy by name")
    for key, array in made.items():
        if not isinstance(array, np.ndarray) or array.dtype.hasobject or not array.ndim:
            raise UserError(f"data set {name}: {key} is no array of numbers", "an array of numpy, one row an example")
    if "x_train" in made and not len(made["x_train"]):
        raise UserError(f"data set {name} has no training examples")
    for part in ("train", "validation", "test"):
        lengths = {key: len(made[key]) for key in (f"x_{part}", f"y_{part}", f"difficulty_{part}") if key in made}
        if len(set(lengths.values())) > 1:
            told = " and ".join(f"{length} of {key}" for key, length in lengths.items())
            raise UserError(f"data set {name} has {told}", "as many of each")
    return made


def named_dataset(text: str) -> NamedDataSet:
    """Return the data set that an expression names, options filled in; raises UserError for a wrong one."""
    try:
        call = parse_one(text)
    except ExpressionError as error:
        raise UserError(str(error)) from None
    plugin, record = _find(call.name)
    options, mistakes = check_options(call.options, record.options, f"data set {record.name}")
    if mistakes:
        raise mistakes[0]
    return NamedDataSet(plugin=plugin, record=record, options=options)


def _find(name: str) -> tuple[str, DataSetPlugin]:
    known = list(_records())
    found = [item for item in known if name in (item[1].name, f"{item[0]}/{item[1].name}")]
    if len(found) > 1:
        names = " and ".join(f"{plugin}/{record.name}" for plugin, record in found)
        raise UserError(f"data set {name!r} is provided twice: {names}", "", "write the name in full")
    if not found:
        near = suggestion(name, [record.name for _, record in known])
        raise UserError(f"unknown data set {name!r}", near, "`optbench data list` shows the names")
    return found[0]


def _records() -> Iterator[tuple[str, DataSetPlugin]]:
    """Yield what the plugins state; what is broken in them is told by `optbench plugins`."""
    for plugin, module in (_announced[0] if _announced else installed_modules()).items():
        with contextlib.suppress(Exception):
            yield from [(plugin, record) for record in getattr(importlib.import_module(module), HOOK)() or ()]

"""Data sets and computed figures that trials share: built once, cached as files, read by every process.

A data set is a folder `NAME-VERSION` of .npy files and a manifest with their SHA-256; a warm process maps the files and
never imports what built them. The folder appears by one rename, so readers see all of it or nothing, and processes
that build at the same time agree on whoever came first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.api.errors import UserError
from optbench.records import canonical_json, content_hash

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

VARIABLE = "OPTBENCH_CACHE"
MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class DataSet(Mapping[str, "Array"]):
    """Named arrays, read-only and memory-mapped; `digest` changes with their content."""

    arrays: Mapping[str, Array]
    digest: str

    def __getitem__(self, name: str) -> Array:
        """Return one array."""
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        """Return the arrays' names."""
        return iter(self.arrays)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return len(self.arrays)

    def first(self, count: int) -> DataSet:
        """Return the set with no more than `count` of its training examples; the other splits stay whole.

        Where the targets are classes, optbench's own sets come in turns of one example a class: any beginning of them
        is balanced.
        """
        cut = {name: array[:count] if name.endswith("_train") else array for name, array in self.arrays.items()}
        return DataSet(cut, content_hash([self.digest, count]))


def cache_root() -> Path:
    """Return the folder of the cache: `$OPTBENCH_CACHE`, or ~/.cache/optbench/data."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else Path.home() / ".cache" / "optbench" / "data"


def cache_folder(name: str, version: str = "1") -> Path:
    """Return where a data set is cached, or will be."""
    for word in (name, version):
        if not _NAME.fullmatch(word):
            raise UserError(f"data set {name!r}, version {version!r}", "letters, digits, '.', '_' and '-'")
    return cache_root() / f"{name}-{version}"


def dataset(name: str, build: Callable[[], Mapping[str, Array]], version: str = "1") -> DataSet:
    """Return the arrays that `build` makes, from the cache where it has them.

    Raises UserError where a cached file is not what its manifest says, or where the cache can't be written.
    """
    folder = cache_folder(name, version)
    if not folder.exists():
        _publish(folder, build())
    return _load(folder)


def reference_value(key: Any, compute: Callable[[], float]) -> float:
    """Return the float that `compute` finds for `key` (of JSON's types), from the cache where it has it."""
    file = cache_root() / "reference-values" / f"{content_hash(key, length=32)}.json"
    if not file.exists():
        _write_value(file, key, compute())
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored["key"] == canonical_json(key):
            return float.fromhex(stored["value"])
    except (ValueError, KeyError, TypeError):
        pass
    raise UserError(f"{file} is damaged", remedy="delete that file; it is computed again when needed")


def _publish(folder: Path, arrays: Mapping[str, Array]) -> None:
    """Write the files beside `folder`, then rename; whoever renames first wins."""
    scratch = _scratch_folder(folder.parent, folder.name)
    try:
        manifest = {name: _write_array(scratch, array) for name, array in arrays.items()}
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        scratch.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_array(folder: Path, array: Array) -> str:
    """Write one array under the SHA-256 of its file, which is returned."""
    import numpy as np

    draft = folder / "draft"
    with draft.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    digest = _digest(draft)
    draft.rename(folder / f"{digest}.npy")
    return digest


def _load(folder: Path) -> DataSet:
    import numpy as np

    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {name: folder / f"{digest}.npy" for name, digest in manifest.items()}
        intact = all(_digest(file) == file.stem for file in files.values())
    except (OSError, ValueError, AttributeError):
        intact = False
    if not intact:
        raise UserError(f"the cached data in {folder} are damaged", remedy="delete that folder; it is built again")
    arrays = {name: np.load(file, mmap_mode="r", allow_pickle=False) for name, file in files.items()}
    return DataSet(arrays, content_hash(manifest))


def _write_value(file: Path, key: Any, value: float) -> None:
    write_whole(file, json.dumps({"key": canonical_json(key), "value": float(value).hex()}))


def write_whole(file: Path, text: str) -> None:
    """Write a small file that is there whole or not at all."""
    scratch = _scratch_folder(file.parent, file.stem)
    try:
        draft = scratch / file.name
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _scratch_folder(parent: Path, name: str) -> Path:
    """Return a new folder on the cache's own file system, where a rename is atomic."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
    except OSError as error:
        raise UserError(f"can't write the cache {parent}: {error.strerror}", remedy=f"set {VARIABLE}") from error


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

"""The files that data sets are made from: found in folders and on the net, decompressed, compared with their hashes."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

from optbench.api.data import cache_root, write_whole
from optbench.api.errors import UserError
from optbench.records import content_hash

if TYPE_CHECKING:
    from optbench.api.plugins import DataFile

SECONDS = 60.0  # of silence, after which a site counts as unreachable
_GZIP = b"\x1f\x8b"
_SHOWN = 12  # digits of a hash in messages


def read_files(files: Iterable[DataFile], place: str) -> dict[str, bytes]:
    """Return what the files hold by name, decompressed, from a folder, a URL of one, or the only file itself.

    Raises UserError where one is missing, unreadable or not what its hash says; nothing is written.
    """
    wanted = tuple(files)
    alone = len(wanted) == 1 and "://" not in place and Path(place).expanduser().is_file()
    return {file.name: _verified(file, place, alone=alone) for file in wanted}


def has_files(files: Iterable[DataFile], folder: str) -> bool:
    """Tell whether a folder has every file, with or without .gz."""
    return all(any((Path(folder) / name).is_file() for name in _spellings(file.name)) for file in files)


def read_input(path: str) -> tuple[bytes, str]:
    """Return what a file of the user's holds, decompressed, and its hash; raises UserError where it has changed.

    It is compared with what `remember_input` kept when the file was first read.
    """
    content = _decompressed(_from_disk(_located(path)), path)
    digest = hashlib.sha256(content).hexdigest()
    memory = _memory(path)
    if memory.exists() and (known := _remembered(memory)) != digest:
        given = f"{path} has changed since it was first read (sha256 {known[:_SHOWN]}… then, {digest[:_SHOWN]}… now)"
        raise UserError(given, remedy=f"restore it, or delete {memory} to take what it holds now")
    return content, digest


def input_digest(path: str) -> str:
    """Return the hash of what a file of the user's holds now, decompressed; empty where it can't be read."""
    try:
        status = _located(path).stat()
        return _digest_of(path, status.st_size, status.st_mtime_ns)
    except (OSError, UserError):
        return ""


@cache
def _digest_of(path: str, size: int, changed: int) -> str:  # noqa: ARG001 -- they tell when to look again
    return hashlib.sha256(_decompressed(_from_disk(_located(path)), path)).hexdigest()


def remember_input(path: str, digest: str) -> None:
    """Keep the hash of a file of the user's, unless one is kept."""
    memory = _memory(path)
    if not memory.exists():
        write_whole(memory, json.dumps({"path": str(_located(path)), "sha256": digest}))


def _memory(path: str) -> Path:
    return cache_root() / "input-hashes" / f"{content_hash(str(_located(path)), length=32)}.json"


def _remembered(memory: Path) -> str:
    try:
        return str(json.loads(memory.read_text(encoding="utf-8"))["sha256"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{memory} is damaged", remedy="delete that file") from None


def _located(path: str) -> Path:
    return Path(path).expanduser().resolve()


def _verified(file: DataFile, place: str, *, alone: bool) -> bytes:
    where, raw = (place, _from_disk(Path(place).expanduser())) if alone else _found(file.name, place)
    content = _decompressed(raw, where)
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        told = f"sha256 {digest[:_SHOWN]}…, expected {file.sha256[:_SHOWN]}…"
        raise UserError(f"{where} is damaged or another file: {told}", remedy="get it anew; nothing was overwritten")
    return content


def _found(name: str, place: str) -> tuple[str, bytes]:
    """Return where a file was found, in one of its spellings, and its bytes."""
    for spelling in _spellings(name):
        where = f"{place.rstrip('/')}/{spelling}"
        if (raw := _from_net(where) if "://" in place else _from_folder(where)) is not None:
            return where, raw
    raise UserError(f"no {name} in {place}", "with or without .gz")


def _spellings(name: str) -> tuple[str, str]:
    plain = name.removesuffix(".gz")
    return (name, plain) if name != plain else (name, f"{name}.gz")


def _from_folder(where: str) -> bytes | None:
    path = Path(where).expanduser()
    return _from_disk(path) if path.is_file() else None


def _from_disk(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}") from None


def _from_net(url: str) -> bytes | None:
    """Return what a URL (http, https, ftp or file) gives; None where there is no such file."""
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=SECONDS) as stream:  # noqa: S310 -- the user's own URL, compared with a hash
            content: bytes = stream.read()
            return content
    except HTTPError as error:
        if error.code == 404:
            return None
        raise UserError(f"can't read {url}: {error.code} {error.reason}") from None
    except URLError as error:
        if isinstance(error.reason, FileNotFoundError):
            return None
        raise UserError(f"can't read {url}: {error.reason}", remedy="give a folder with --from") from None
    except (OSError, ValueError, HTTPException) as error:
        raise UserError(f"can't read {url}: {error}", remedy="give a folder with --from") from None


def _decompressed(raw: bytes, where: str) -> bytes:
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{where} is damaged: {error}", remedy="get it anew; nothing was overwritten") from None

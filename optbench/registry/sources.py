"""The hash of a plugin's source: what tells that a stored result was measured with other code."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from optbench.api import UserError
from optbench.registry.catalogue import Registered
from optbench.registry.factories import locate_module


def source_hash(registered: Registered) -> str:
    """Return the SHA-256 of the Python files that a record's code lives in.

    These are the plugin's top-level package, or its single file; for `module:Class` the package that directly holds
    the module, so that one class of torch does not hash all of torch.
    """
    if registered.plugin:
        located = registered.path if not registered.distribution else None
        located = located or locate_module(registered.module.partition(".")[0])
    else:
        parent = registered.module.rpartition(".")[0]
        located = locate_module(registered.module)
        if located is not None and located.is_file() and parent:
            located = locate_module(parent)
    if located is None:
        raise UserError(f"no source found for {registered.qualified}")
    return _hash(located)


@cache
def _hash(path: Path) -> str:
    """Hash a file, or every .py file below a folder with its relative name."""
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(path.parent).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()

"""`package.module:Name`: finding the module without importing it, and importing what is named."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from optbench.api import UserError

CLASS_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def resolve_factory(factory: str) -> Any:
    """Import `package.module:Name` and return what it names.

    Raises UserError where the spelling, the module or the name is wrong; what the module itself raises passes through.
    """
    if not CLASS_NAME.fullmatch(factory):
        raise UserError(f"not a factory: {factory!r}", 'expected "package.module:Name"')
    module_name, _, name = factory.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UserError(f"cannot import {factory!r}", f"no module named {error.name!r}") from None
        raise
    try:
        return getattr(module, name)
    except AttributeError:
        raise UserError(f"cannot import {factory!r}", f"module {module_name!r} has no {name!r}") from None


def locate_module(module: str) -> Path | None:
    """Return the file of a module, or its package's folder, without importing anything; None where there is none."""
    top, *rest = module.split(".")
    root = _top_level(top)
    if root is None:
        return None
    for part in rest:
        folder, root = root, root / part
        if not root.is_dir():
            root = next(
                (path for path in sorted(folder.glob(f"{part}.*")) if path.suffix in {".py", ".so", ".pyd"}), root
            )
            if not root.exists():
                return None
    return root


def _top_level(name: str) -> Path | None:
    """Return the file or the folder of a top-level module."""
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None):
        file = Path(str(loaded.__file__))
        return file.parent if file.name == "__init__.py" else file
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None

"""Finding the file of a module without importing it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


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

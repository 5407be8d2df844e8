"""Plugin files that the user gives with `--plugin FILE`: modules under a stable import name."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from optbench.api import UserError


def module_name(path: Path) -> str:
    """Return the import name of a plugin file, the same in every process: it depends on the resolved path only."""
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"optbench_local_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{digest}"


def import_file(path: Path) -> ModuleType:
    """Import a plugin file once a process; raises UserError that names the file, the line and the exception."""
    name = module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise UserError(f"no plugin file {path}", "", "--plugin takes the path of a Python file")
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise UserError(f"plugin file {path} is no Python file", "its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the file may even sys.exit()
        del sys.modules[name]
        raise _broken(path, error) from error
    return module


def _broken(path: Path, error: BaseException) -> UserError:
    message = " ".join(str(error).split())
    return UserError(f"plugin file {path}, line {_line(path, error)}: {type(error).__name__}: {message}")


def _line(path: Path, error: BaseException) -> int:
    """Return the line of the file that the error goes back to, the innermost one."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno
    file = str(path.resolve())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return next((line for line in reversed(lines) if line is not None), 1)

"""`package.module:Name`: importing what is named."""

from __future__ import annotations

import importlib
import re
from typing import Any

from optbench.api.errors import UserError

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

"""Checks whose code is imported when they run: tables of checks are read where torch is not wanted."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from optbench.testing.subject import Subject


def deferred(module: str, function: str) -> Callable[[Subject], None]:
    """Return a check that runs `function` of `optbench.testing.module`."""

    def run(subject: Subject) -> None:
        getattr(importlib.import_module(f"optbench.testing.{module}"), function)(subject)

    return run

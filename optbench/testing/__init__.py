"""The conformance kit: is a plugin sound? See "Checking a plugin" in docs/plugins.md. Importing it imports no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.testing.conformance import (
        ConformanceError,
        check_data_set,
        check_initializer,
        check_meta_algorithm,
        check_optimizer,
        check_problem,
    )
    from optbench.testing.framework import Check, CheckFailed, Finding, Subject
    from optbench.testing.parametrizing import parametrize_with_checks

__all__ = [
    "Check",
    "CheckFailed",
    "ConformanceError",
    "Finding",
    "Subject",
    "check_data_set",
    "check_initializer",
    "check_meta_algorithm",
    "check_optimizer",
    "check_problem",
    "parametrize_with_checks",
]

_HOMES = ("framework", "conformance", "parametrizing")  # the last needs pytest


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    import importlib

    for home in _HOMES if name in __all__ else ():
        module = importlib.import_module(f"optbench.testing.{home}")
        if hasattr(module, name):
            return getattr(module, name)
    message = f"module 'optbench.testing' has no attribute {name!r}"
    raise AttributeError(message)

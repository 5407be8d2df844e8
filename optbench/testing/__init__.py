"""The conformance kit: is a plugin sound? See "Checking a plugin" in docs/plugins.md. Importing it imports no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.testing.conformance import ConformanceError, check_meta_algorithm, check_optimizer, check_problem
    from optbench.testing.framework import Check, CheckFailed, Outcome, Subject
    from optbench.testing.parametrizing import parametrize_with_checks

_HOMES = {
    "Check": "framework",
    "CheckFailed": "framework",
    "ConformanceError": "conformance",
    "Outcome": "framework",
    "Subject": "framework",
    "check_meta_algorithm": "conformance",
    "check_optimizer": "conformance",
    "check_problem": "conformance",
    "parametrize_with_checks": "parametrizing",
}

__all__ = [
    "Check",
    "CheckFailed",
    "ConformanceError",
    "Outcome",
    "Subject",
    "check_meta_algorithm",
    "check_optimizer",
    "check_problem",
    "parametrize_with_checks",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _HOMES:
        message = f"module 'optbench.testing' has no attribute {name!r}"
        raise AttributeError(message)
    import importlib

    return getattr(importlib.import_module(f"optbench.testing.{_HOMES[name]}"), name)

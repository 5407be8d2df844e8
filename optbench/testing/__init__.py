"""The conformance kit: is a plugin sound? See "Checking a plugin" in docs/plugins.md. Importing it imports no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.testing.conformance import ConformanceError as ConformanceError
    from optbench.testing.conformance import check_meta_algorithm as check_meta_algorithm
    from optbench.testing.conformance import check_optimizer as check_optimizer
    from optbench.testing.conformance import check_problem as check_problem
    from optbench.testing.framework import Check as Check
    from optbench.testing.framework import CheckFailed as CheckFailed
    from optbench.testing.framework import Finding as Finding
    from optbench.testing.framework import Subject as Subject
    from optbench.testing.parametrizing import parametrize_with_checks as parametrize_with_checks

_HOMES = {
    "Check": "framework",
    "CheckFailed": "framework",
    "ConformanceError": "conformance",
    "Finding": "framework",
    "Subject": "framework",
    "check_meta_algorithm": "conformance",
    "check_optimizer": "conformance",
    "check_problem": "conformance",
    "parametrize_with_checks": "parametrizing",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _HOMES:
        message = f"module 'optbench.testing' has no attribute {name!r}"
        raise AttributeError(message)
    import importlib

    return getattr(importlib.import_module(f"optbench.testing.{_HOMES[name]}"), name)

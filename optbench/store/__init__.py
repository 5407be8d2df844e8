"""Results on disk: SQLite through SQLAlchemy Core, one transaction a result. Importing this imports no SQLAlchemy."""

from typing import TYPE_CHECKING, Any

from optbench.store.keys import ResultKey, Run

if TYPE_CHECKING:
    from optbench.store.database import Store

__all__ = ["ResultKey", "Run", "Store"]


def __getattr__(name: str) -> Any:
    """Import what needs SQLAlchemy only when it is asked for."""
    if name == "Store":
        from optbench.store.database import Store

        return Store
    message = f"module 'optbench.store' has no attribute {name!r}"
    raise AttributeError(message)

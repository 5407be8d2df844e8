"""Opening the database: which locations are allowed, what is refused, and how SQLite is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from optbench.api import UserError
from optbench.store.schema import MIGRATIONS, migrate, stored_version

ALLOWED = "allowed: a path, or sqlite:///PATH"
_MAGIC = b"SQLite format 3\0"
_PRAGMAS = ("busy_timeout = 30000", "synchronous = NORMAL", "foreign_keys = ON")


def open_engine(location: str | Path) -> Engine:
    """Return an engine for the database at `location`, created or migrated as needed.

    Raises UserError where the location is not allowed, or holds something that is not ours to write; nothing is
    changed then.
    """
    path = database_path(location)
    _refuse_foreign_files(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the store's folder {str(path.parent)!r} can't be made: {error.strerror}") from error
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    try:
        _prepare(engine, path)
    except DBAPIError as error:
        engine.dispose()
        raise UserError(
            f"the store {str(path)!r} can't be opened: {error.orig}", remedy="name another with --store PATH"
        ) from error
    except UserError:
        engine.dispose()
        raise
    return engine


def database_path(location: str | Path) -> Path:
    """Return the file that `location` names; raises UserError where it is a URL of another kind."""
    text = str(location)
    scheme, separator, rest = text.partition("://")
    if separator and (scheme != "sqlite" or not rest.startswith("/") or not rest.strip("/")):
        raise UserError(f"store {_without_password(text)!r}", ALLOWED)
    if not text:
        raise UserError("the store's location is empty", ALLOWED)
    return Path(rest[1:] if separator else text).expanduser().absolute()


def for_writing(engine: Engine) -> Engine:
    """Return a view of `engine` whose transactions take the write lock at once.

    SQLite refuses to turn a reading transaction into a writing one, whatever the timeout, when another has written.
    """
    return engine.execution_options(optbench_begin="IMMEDIATE")


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _refuse_foreign_files(path: Path) -> None:
    remedy = "name another with --store PATH"
    if path.is_dir():
        raise UserError(f"the store {str(path)!r} is a folder", ALLOWED, remedy)
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"the store {str(path)!r} can't be read: {error.strerror}", remedy=remedy) from error
    if head not in (b"", _MAGIC):
        raise UserError(f"the store {str(path)!r} is not a SQLite database", remedy=remedy)


def _prepare(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        version = _checked_version(connection, path)
    _use_write_ahead_log(engine)
    if version < len(MIGRATIONS):
        with for_writing(engine).begin() as connection:
            # Looked up again under the write lock: another process may have migrated meanwhile.
            migrate_from = _checked_version(connection, path)
            if migrate_from < len(MIGRATIONS):
                migrate(connection, migrate_from)


def _checked_version(connection: Connection, path: Path) -> int:
    version = stored_version(connection)
    if version is None:
        raise UserError(
            f"the store {str(path)!r} holds another program's tables", remedy="name another with --store PATH"
        )
    if version > len(MIGRATIONS):
        raise UserError(
            f"the store {str(path)!r} has schema version {version}",
            f"this optbench reads up to version {len(MIGRATIONS)}",
            "upgrade optbench, or name another store with --store PATH",
        )
    return version


def _use_write_ahead_log(engine: Engine) -> None:
    raw = engine.raw_connection()  # the mode can't change inside a transaction
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()


def _set_up(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions of its own
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("optbench_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")

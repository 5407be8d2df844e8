"""Opening the database: which locations are allowed, what is refused, and how SQLite is set up."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from optbench.api import UserError
from optbench.store.schema import MIGRATIONS, migrate, stored_version

ALLOWED = "allowed: a path, or sqlite:///PATH"
_REMEDY = "name another with --store PATH"
_MAGIC = b"SQLite format 3\0"
_TIMEOUT_MS, _PAUSE_MS = 30_000, 20
_PRAGMAS = (f"busy_timeout = {_TIMEOUT_MS}", "synchronous = NORMAL", "foreign_keys = ON")


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
    except (DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise UserError(f"the store {str(path)!r} can't be opened: {reason}", remedy=_REMEDY) from error
    except BaseException:
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
    if path.is_dir():
        raise UserError(f"the store {str(path)!r} is a folder", ALLOWED, _REMEDY)
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"the store {str(path)!r} can't be read: {error.strerror}", remedy=_REMEDY) from error
    if head not in (b"", _MAGIC):
        raise UserError(f"the store {str(path)!r} is not a SQLite database", remedy=_REMEDY)


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
        raise UserError(f"the store {str(path)!r} holds another program's tables", remedy=_REMEDY)
    if version > len(MIGRATIONS):
        raise UserError(
            f"the store {str(path)!r} has schema version {version}",
            f"this optbench reads up to version {len(MIGRATIONS)}",
            "upgrade optbench, or name another store with --store PATH",
        )
    return version


def _use_write_ahead_log(engine: Engine) -> None:
    """Switch the journal mode; SQLite refuses at once, whatever its timeout, while another process opens the file."""
    raw = engine.raw_connection()  # the mode can't change inside a transaction
    try:
        for attempt in reversed(range(_TIMEOUT_MS // _PAUSE_MS)):
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if attempt == 0 or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(_PAUSE_MS / 1000)
    finally:
        raw.close()


def _set_up(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions of its own
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("optbench_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")

"""The tables, and the migrations that bring a database to them.

Times are ISO 8601 text, structures are JSON text, so that the same tables serve PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    select,
    update,
)

METADATA = MetaData()

version_table = Table("optbench_schema", METADATA, Column("version", Integer, nullable=False))

environments = Table(
    "environments",
    METADATA,
    Column("hash", String(32), primary_key=True),
    Column("fingerprint", String(32), nullable=False),
    Column("data", Text, nullable=False),
)

runs = Table(
    "runs",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("suite_name", Text, nullable=False, index=True),
    Column("suite", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("environment", ForeignKey("environments.hash"), nullable=False),
    Column("started", String(32), nullable=False),
)

results = Table(
    "results",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False),
    Column("pass", String(16), nullable=False),
    Column("machine", String(32), nullable=False),
    Column("source", String(64), nullable=False),
    Column("run", ForeignKey("runs.number"), nullable=False, index=True),  # that measured it
    Column("problem", Text, nullable=False, index=True),
    Column("optimizer", Text, nullable=False, index=True),
    Column("status", String(16), nullable=False, index=True),
    Column("record", Text, nullable=False),
    UniqueConstraint("id", "pass", "machine", "source"),
)

traces = Table(
    "traces",
    METADATA,
    Column("result", ForeignKey("results.number", ondelete="CASCADE"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("codec", String(32), nullable=False),
    Column("columns", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# The results that a run measured or reused.
uses = Table(
    "uses",
    METADATA,
    Column("run", ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True),
    Column("result", ForeignKey("results.number", ondelete="CASCADE"), primary_key=True),
    Index("ix_uses_result", "result"),
)


def create_tables(connection: Connection) -> None:
    """Version 1."""
    METADATA.create_all(connection)


# MIGRATIONS[k] brings version k to version k + 1. One that was released never changes: the work that changes a table
# gives `create_tables` its own copy of the tables as they were.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (create_tables,)


def stored_version(connection: Connection) -> int | None:
    """Return the database's schema version: 0 where it is empty, None where it holds another program's tables."""
    names = inspect(connection).get_table_names()
    if version_table.name in names:
        return int(connection.execute(select(version_table.c.version)).scalar_one())
    return None if names else 0


def migrate(connection: Connection, version: int) -> None:
    """Bring a database of `version` to the current one, within the caller's transaction."""
    for migration in MIGRATIONS[version:]:
        migration(connection)
    write = insert(version_table) if version == 0 else update(version_table)
    connection.execute(write.values(version=len(MIGRATIONS)))

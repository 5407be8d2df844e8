from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from optbench.api import UserError
from optbench.store import Store, schema
from optbench.store.engine import open_engine


def assert_refused_in_one_line(location, *words: str) -> None:
    with pytest.raises(UserError) as refused:
        Store.open(location)
    message = str(refused.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def pragma(path: Path, name: str):
    with open_engine(path).connect() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar_one()


@pytest.mark.parametrize(
    "location", ["postgresql://host/db", "mysql://x", "sqlite://", "sqlite:///", "sqlite://relative.sqlite", ""]
)
def test_only_paths_and_sqlite_urls_are_locations(location):
    assert_refused_in_one_line(location, "allowed: a path, or sqlite:///PATH")


def test_a_password_in_a_refused_url_is_not_repeated():
    with pytest.raises(UserError) as refused:
        Store.open("postgresql://me:secret@host/db")
    assert "secret" not in str(refused.value)
    assert "postgresql://host/db" in str(refused.value)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"x", b"SQLite format 4\0" + bytes(200)])
def test_a_file_that_is_no_database_is_refused_untouched(tmp_path, content):
    path = tmp_path / "results.csv"
    path.write_bytes(content)
    assert_refused_in_one_line(path, "results.csv", "not a SQLite database", "--store")
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_database_is_refused_untouched(tmp_path):
    path = tmp_path / "damaged.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    before = path.read_bytes()
    assert_refused_in_one_line(path, "can't be opened")
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_untouched(tmp_path):
    path = tmp_path / "mail.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE messages (body TEXT)")
    connection.close()
    before = path.read_bytes()
    assert_refused_in_one_line(path, "another program's tables")
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_untouched(tmp_path):
    path = tmp_path / "newer.sqlite"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE optbench_schema SET version = 99")
    connection.close()
    before = path.read_bytes()
    assert_refused_in_one_line(path, "schema version 99", "upgrade optbench")
    assert path.read_bytes() == before


def test_a_folder_is_refused(tmp_path):
    assert_refused_in_one_line(tmp_path, "is a folder")


def test_a_parent_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert_refused_in_one_line(tmp_path / "file" / "results.sqlite", str(tmp_path / "file"))


def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with Store.open(path) as store:
        assert store.latest_run() is None


def test_the_home_folder_may_be_spelt_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Store.open("~/results.sqlite").close()
    assert (tmp_path / "results.sqlite").is_file()


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "wal"), ("synchronous", 1), ("busy_timeout", 30000), ("foreign_keys", 1)]
)
def test_sqlite_is_set_up_for_several_writers_and_crashes(tmp_path, name, value):
    assert pragma(tmp_path / "results.sqlite", name) == value


def test_an_older_schema_is_migrated_and_keeps_its_rows(tmp_path, monkeypatch):
    path = tmp_path / "results.sqlite"
    Store.open(path).close()

    def add_note(connection):
        connection.execute(text("ALTER TABLE runs ADD COLUMN note TEXT"))

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_note))
    monkeypatch.setattr("optbench.store.engine.MIGRATIONS", schema.MIGRATIONS)
    with open_engine(path).connect() as connection:
        assert schema.stored_version(connection) == 2
        assert connection.execute(text("SELECT note FROM runs")).all() == []


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path, monkeypatch):
    path = tmp_path / "results.sqlite"
    Store.open(path).close()

    def fail_half_way(connection):
        connection.execute(text("DROP TABLE traces"))
        raise RuntimeError("half way")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, fail_half_way))
    monkeypatch.setattr("optbench.store.engine.MIGRATIONS", schema.MIGRATIONS)
    with pytest.raises(RuntimeError):
        Store.open(path)
    monkeypatch.undo()
    with open_engine(path).connect() as connection:
        assert schema.stored_version(connection) == 1
        assert connection.execute(text("SELECT * FROM traces")).all() == []


def test_a_place_that_cannot_be_written_is_refused():
    assert_refused_in_one_line("/proc/results.sqlite", "can't be opened", "--store")

"""Which of the engine's sources a stored result depends on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import optbench
from optbench.runner.sources import APART, engine_hash, measuring_files

ENGINE = Path(optbench.__file__).parent
MEASURING = ["api/problems.py", "measure/loop.py", "numerics/ray.py", "records/job.py", "records/trial.py"]
MEASURING += ["runner/child.py", "runner/server.py", "runner/supervise.py"]
SHOWING = ["cli/suite.py", "doctor/timing.py", "report/build.py", "analysis/scores.py", "records/report.py"]
SHOWING += ["records/gate.py", "records/suite.py", "runner/jobs.py", "runner/session.py", "runner/sources.py"]


@pytest.fixture
def engine(tmp_path):
    for name in (*MEASURING, *SHOWING):
        assert (ENGINE / name).is_file()
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}")
    engine_hash.cache_clear()
    yield tmp_path
    engine_hash.cache_clear()


def hash_after(engine: Path, name: str) -> str:
    engine_hash.cache_clear()
    (engine / name).write_text("edited = True")
    return engine_hash(engine)


@pytest.mark.parametrize("name", MEASURING)
def test_editing_what_measures_changes_the_hash(engine, name):
    assert engine_hash(engine) != hash_after(engine, name)


@pytest.mark.parametrize("name", SHOWING)
def test_editing_what_plans_stores_or_shows_does_not_change_the_hash(engine, name):
    assert engine_hash(engine) == hash_after(engine, name)


def test_moving_code_between_files_changes_the_hash(engine):
    before = engine_hash(engine)
    engine_hash.cache_clear()
    (engine / "api" / "problems.py").rename(engine / "api" / "renamed.py")
    assert engine_hash(engine) != before


def imported(name: str) -> Iterator[str]:
    """Yield the engine's files that a file of it imports, anywhere in it, and those behind a package's names."""
    for node in ast.walk(ast.parse((ENGINE / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            package = file_of(node.module)
            yield package
            for alias in node.names:
                yield file_of(f"{node.module}.{alias.name}") or defining(package, alias.name)
        elif isinstance(node, ast.Import):
            yield from (file_of(alias.name) for alias in node.names)


def defining(package: str, name: str) -> str:
    """Return the file from which the file of a package imports a name."""
    nodes = ast.parse((ENGINE / package).read_text(encoding="utf-8")).body if package else []
    found = (node for node in nodes if isinstance(node, ast.ImportFrom))
    modules = (node.module or "" for node in found if name in {alias.name for alias in node.names})
    return next(map(file_of, modules), "")


def file_of(module: str) -> str:
    """Return the file of a module or package of the engine; "" for any other name."""
    package, *inner = module.split(".")
    path = ENGINE.joinpath(*inner)
    found = next((file for file in (path / "__init__.py", path.parent / f"{path.name}.py") if file.is_file()), None)
    return found.relative_to(ENGINE).as_posix() if package == "optbench" and found is not None else ""


def reached(start: set[str]) -> set[str]:
    """Return what `start` imports, directly or not."""
    found, new = set(), start
    while new:
        found |= new
        new = {file for name in new for file in imported(name) if file} - found
    return found


def test_what_a_trial_imports_is_covered_unless_it_is_known_not_to_measure():
    uncovered = reached({"runner/child.py", "runner/server.py"}) - set(measuring_files(ENGINE))
    describing = {"runner/container.py", "runner/machine.py"}  # tell of the machine what is stored beside results
    assert {name for name in uncovered if not name.startswith("analysis/")} == {*APART, *describing}


def test_what_measures_uses_no_record_that_is_set_apart():
    measuring = set(measuring_files(ENGINE)) - {"records/__init__.py"}
    assert {name for name in measuring if set(imported(name)) & set(APART)} == set()

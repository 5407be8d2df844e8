"""The source hash follows the plugin's code, and factories are imported with clear errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from optbench.api import UserError
from optbench.registry import Registered, resolve_factory, source_hash


def registered(module: str, *, plugin: str = "fake", path: Path | None = None, distribution: str = "d") -> Registered:
    return Registered(
        record=None,
        plugin=plugin,
        qualified="fake/x",
        distribution=distribution,
        version="1",
        module=module,
        path=path,
    )


def package(root: Path, name: str, *, inner: str) -> None:
    (root / name / "sub").mkdir(parents=True)
    (root / name / "__init__.py").write_text("")
    (root / name / "sub" / "__init__.py").write_text("")
    (root / name / "sub" / "method.py").write_text(inner)


def test_the_hash_of_a_package_depends_on_each_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = []
    for number, inner in enumerate(("x = 1", "x = 1", "x = 2")):
        root = tmp_path / str(number)
        package(root, "hashed_package", inner=inner)
        monkeypatch.syspath_prepend(str(root))
        hashes.append(source_hash(registered("hashed_package.sub.method")))
    assert hashes[0] == hashes[1] != hashes[2]
    assert "hashed_package" not in sys.modules


def test_the_hash_of_a_plugin_file_is_of_that_file(tmp_path: Path) -> None:
    hashes = []
    for folder, text in (("a", "x = 1"), ("b", "x = 1"), ("c", "x = 2")):
        path = tmp_path / folder / "mine.py"
        path.parent.mkdir()
        path.write_text(text)
        hashes.append(source_hash(registered("optbench_local_mine_0", path=path, distribution="")))
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_hash_of_a_class_is_of_the_package_that_holds_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = []
    for number, (top, beside) in enumerate((("a = 1", "b = 1"), ("a = 2", "b = 1"), ("a = 2", "b = 2"))):
        root = tmp_path / str(number)
        package(root, "class_package", inner="x = 1")
        (root / "class_package" / "__init__.py").write_text(top)
        (root / "class_package" / "sub" / "beside.py").write_text(beside)
        monkeypatch.syspath_prepend(str(root))
        hashes.append(source_hash(registered("class_package.sub.method", plugin="", distribution="")))
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_factory_is_imported_by_its_spelling() -> None:
    assert resolve_factory("collections:OrderedDict").__name__ == "OrderedDict"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("collections.OrderedDict", "not a factory"),
        ("collections:Missing", "has no 'Missing'"),
        ("no_such_module.sub:Name", "no module named 'no_such_module'"),
    ],
)
def test_a_factory_that_can_not_be_imported_says_why(factory: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve_factory(factory)


def test_what_a_factory_module_raises_passes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imports_missing.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        resolve_factory("imports_missing:Name")

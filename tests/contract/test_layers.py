"""The layers of the architecture: who may import whom, and what stays unimported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINTER = PYPROJECT["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}
ENTRY_POINTS = PYPROJECT["project"]["entry-points"]["optbench"]
FAMILIES = sorted(
    path.parent.name for top in ("plugins", "suites") for path in (ROOT / top).glob("optbench_*/__init__.py")
)
HEAVY = ("torch", "numpy", "scipy", "pandas", "seaborn", "sklearn", "sqlalchemy", "matplotlib", "jinja2")


def modules_after(code: str) -> set[str]:
    """Return which of the heavy libraries a fresh interpreter has imported after `code`."""
    report = f"import json, sys; print('\\n' + json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_import_contracts_hold():
    pytest.importorskip("importlinter", reason="import-linter comes with optbench[dev]")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(sorted(ENTRY_POINTS.values()), id="entry points"),
        pytest.param(sorted(set(LINTER["root_packages"]) - {"optbench"}), id="root packages"),
        pytest.param(sorted(CONTRACTS["plugins-know-the-api"]["source_modules"]), id="plugins-know-the-api"),
        pytest.param(sorted(CONTRACTS["plugins-are-independent"]["modules"]), id="plugins-are-independent"),
        pytest.param(sorted(CONTRACTS["engine-names-no-plugin"]["forbidden_modules"]), id="engine-names-no-plugin"),
    ],
)
def test_every_family_of_plugins_is_listed(listed):
    assert listed == FAMILIES


def test_plugins_are_kept_from_every_layer_above_numerics_and_analysis():
    allowed = {"api", "records", "numerics", "analysis"}
    layers = {path.parent.name for path in (ROOT / "optbench").glob("*/__init__.py")}
    assert sorted(CONTRACTS["plugins-know-the-api"]["forbidden_modules"]) == sorted(
        f"optbench.{layer}" for layer in layers - allowed
    )


def test_the_engine_names_no_plugin_not_even_in_a_string():
    """A family may be spelt as a hook is (`optbench_suites`); then only its use as a module counts."""
    hooks = set(re.findall(r"def (optbench_\w+)", (ROOT / "optbench/api/hooks.py").read_text()))
    names = [rf"{name}[.:/]" if name in hooks else rf"{name}\b" for name in FAMILIES]
    pattern = re.compile("|".join(names))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "optbench").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("package", ["optbench.api", "optbench.records", "optbench.store", "optbench.cli", *FAMILIES])
def test_importing_a_package_imports_no_heavy_library(package):
    assert modules_after(f"import {package}") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["list", "optimizers"], ["list", "problems"], ["plugins"]])
def test_a_command_that_only_shows_records_imports_no_heavy_library(arguments):
    assert modules_after(f"from optbench.cli import main; assert main({arguments!r}) == 0") == set()

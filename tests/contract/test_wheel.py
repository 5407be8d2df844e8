"""The wheel, installed where no source tree can be imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def checked(*command: str | Path, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=clean, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    checked(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, folder: Path) -> Path:
    """Return the programs of a new environment with the wheel, and the dependencies of the one that runs this test.

    They are reached by a path file, which does not follow the path files that it finds there: the sources that
    an editable installation adds stay out of sight.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    checked(*pip, "install", "--quiet", "--no-deps", wheel, cwd=folder)
    (site_packages(programs) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def site_packages(programs: Path) -> Path:
    (found,) = programs.parent.glob("lib/python*/site-packages")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    return install(wheel, tmp_path_factory.mktemp("clean") / "venv")


def test_the_wheel_holds_packages_and_their_data_only(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "optbench",
        *(path.parent.name for top in ("plugins", "suites") for path in (ROOT / top).glob("optbench_*/__init__.py")),
    }
    assert "optbench/py.typed" in names
    assert "optbench_suites/smoke.toml" in names


def test_the_installed_packages_are_the_wheels(installed, tmp_path):
    code = "import optbench, optbench_suites; print(optbench.__file__, optbench_suites.__file__)"
    for path in checked(installed / "python", "-c", code, cwd=tmp_path).split():
        assert Path(path).is_relative_to(installed.parent)


def test_no_plugin_of_the_wheel_is_broken(installed, tmp_path):
    checked(installed / "optbench", "plugins", "--strict", cwd=tmp_path)


def test_the_smoke_suite_runs_from_the_wheel(installed, tmp_path):
    first = json.loads(checked(installed / "optbench", "suite", "smoke", "--json", cwd=tmp_path))
    assert first["ran"] > 0
    assert not {"error", "crashed", "killed"} & first["trials"].keys(), first["results"]
    again = json.loads(checked(installed / "optbench", "suite", "smoke", "--json", cwd=tmp_path))
    assert (again["ran"], again["reused"]) == (0, first["ran"] + first["reused"])


def test_the_engines_own_tests_pass_without_any_plugin(wheel, tmp_path):
    programs = install(wheel, tmp_path / "venv")
    for family in site_packages(programs).glob("optbench_*"):
        shutil.rmtree(family)
    folders = [path for path in sorted((ROOT / "tests").iterdir()) if (ROOT / "optbench" / path.name).is_dir()]
    pytest_of_root = (programs / "python", "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT)
    # What is shipped is tested in files of this name beside the engine's own tests.
    checked(
        *pytest_of_root,
        f"--ignore-glob={ROOT}/tests/*/test_shipped.py",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        *folders,
        cwd=tmp_path,
    )

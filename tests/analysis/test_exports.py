"""What `optbench.analysis` exports: documented, and cheap to import."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import optbench.analysis

GUIDE = Path(__file__).parents[2] / "docs" / "analysis.md"


@pytest.mark.parametrize("name", optbench.analysis.__all__)
def test_what_is_exported_is_documented(name):
    if callable(getattr(optbench.analysis, name)):
        assert getattr(optbench.analysis, name).__doc__
    if GUIDE.exists():  # not beside an installed wheel
        assert f"`{name}`" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.skipif(not GUIDE.exists(), reason="the guide is not in a wheel")
def test_examples_of_the_guide_give_what_they_say():
    failed, attempted = doctest.testfile(str(GUIDE), module_relative=False)
    assert attempted
    assert not failed


def test_importing_it_imports_no_heavy_library():
    heavy = "{'scipy', 'torch', 'pandas', 'sklearn'} & set(sys.modules)"
    code = f"import sys, optbench.analysis; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"

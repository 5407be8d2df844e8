"""`asv run` works from a clean clone, with the configuration that lies at the top."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("asv") is None, reason="asv is not installed"),
    pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no git checkout"),
]


def test_asv_measures_a_clean_clone_and_publishes_it(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run(["git", "branch", "--force", "main"], cwd=clone, check=False, capture_output=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = {**os.environ, "OPTBENCH_ASV_SUITE": "smoke", "HOME": str(tmp_path)}

    def asv(*arguments: str) -> str:
        command = [sys.executable, "-m", "asv", *arguments]
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    asv("machine", "--yes", "--machine", "here")
    asv("run", "--machine", "here", "--set-commit-hash", commit)
    asv("publish", "--no-pull")
    (result,) = (clone / ".asv" / "results" / "here").glob(f"{commit[:8]}-*.json")
    values, *_ = json.loads(result.read_text())["results"]["suite.Evaluations.track_median"]
    assert sum(isinstance(value, float | int) and value > 0 for value in values) >= 3
    assert (clone / ".asv" / "html" / "index.html").is_file()
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=clone, check=True, capture_output=True, text=True)
    assert changed.stdout == ""

"""What docs/stochastic.md says is so."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import optbench_stochastic

from optbench.numerics.schedules import SCHEDULES
from optbench.records.expressions import toml_value

TEXT = (Path(__file__).parents[3] / "docs" / "stochastic.md").read_text()


def test_every_method_is_there() -> None:
    table = TEXT.partition("\n\nThese are")[0]
    records = {record.name for record in optbench_stochastic.optbench_optimizers()}
    assert set(re.findall(r"\| `([a-z]+)` \|", table)) == records


def test_every_schedule_is_there_with_its_options_and_defaults() -> None:
    section = TEXT.partition("## Schedules")[2].partition("## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|([^|]*)\| [^|`]+(?:`growth`[^|]+)?\|$", section, flags=re.MULTILINE)
    written = {name: re.findall(r"`([^`]+)`", options) for name, options in rows}
    assert written == {
        name: [f"{key}={toml_value(option.default)}" for key, option in part.options.items()]
        for name, part in SCHEDULES.items()
    }


def test_the_class_of_ones_own_runs_from_the_working_directory_with_a_schedule(tmp_path: Path) -> None:
    (module,) = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    (command,) = [line for line in TEXT.splitlines() if line.startswith("optbench run 'my_module:")]
    (tmp_path / "my_module.py").write_text(module)
    program = Path(sys.executable).with_name("optbench")
    arguments = [program, *shlex.split(command)[1:], "--budget", "50", "--json"]

    done = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["optimizer"] == "my_module:MyOptimizer"
    assert row["options"] == {"lr": 0.1, "schedule": "exponential(by=0.99)"}
    assert (row["counts"]["gradient"], row["counts"]["value"]) == (50, 0)
    assert row["f_best"] < row["f0"]

"""`optbench data` lists, fetches and locates data sets."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from optbench.api import datasets
from optbench.cli import main

Capture = pytest.CaptureFixture[str]
CONTENT = b"\x01\x02\x03"
SOURCE = f"""
from optbench.api import DataFile, DataSetPlugin, Option, hookimpl

def ramp(*, n):
    import numpy

    return {{"x_train": numpy.arange(n)}}

def numbers(*, files):
    import numpy

    return {{"x_train": numpy.frombuffer(files["numbers.gz"], numpy.uint8)}}

@hookimpl
def optbench_datasets():
    stated = {{"summary": "Numbers.", "licence": "MIT", "source": "a test"}}
    yield DataSetPlugin(
        name="ramp", factory=f"{{__name__}}:ramp", options={{"n": Option(default=3, doc="examples", low=1)}},
        examples={{"train": 3}}, shape=(2, 1), classes=5, **stated,
    )
    yield DataSetPlugin(
        name="numbers", factory=f"{{__name__}}:numbers", obtain="`apt install numbers`",
        files=(DataFile(name="numbers.gz", sha256="{hashlib.sha256(CONTENT).hexdigest()}"),), **stated,
    )
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "_announced", [])
    (tmp_path / "ours.py").write_text(SOURCE, encoding="utf-8")
    return ["--plugin", str(tmp_path / "ours.py")]


def test_without_a_subcommand_data_shows_its_help(capsys: Capture) -> None:
    assert main(["data"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Usage: optbench data")
    assert not shown.err
    assert "..." not in shown.out.partition("Commands:")[2]


def test_list_tells_sizes_source_and_whether_it_is_cached(plugin: list[str], capsys: Capture) -> None:
    assert main(["data", "path", "ramp", *plugin]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert (folder / "manifest.json").is_file()
    assert main(["data", "list", *plugin]) == 0
    lines = capsys.readouterr().out.splitlines()
    (ramp,) = [line for line in lines if line.strip().startswith("ramp")]
    (numbers,) = [line for line in lines if line.strip().startswith("numbers")]
    assert [cell.strip() for cell in ramp.split("  ") if cell.strip()] == [
        "ramp", "3", "2 × 1", "5", "yes", "n=3", "a test", "ours"
    ]  # fmt: skip
    assert "not here" in numbers
    assert main(["data", "list", "--json", *plugin]) == 0
    items = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert (items["ramp"]["cached"], items["ramp"]["path"]) == (True, str(folder))
    assert (items["numbers"]["cached"], items["numbers"]["licence"]) == (False, "MIT")
    assert items["numbers"]["missing"].startswith("data set numbers is not on this machine; `apt install numbers`")
    assert items["ramp"]["missing"] == ""


def test_fetch_takes_a_folder_or_a_url_and_tells_where_the_arrays_are(
    plugin: list[str], capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "numbers").write_bytes(CONTENT)
    assert main(["data", "fetch", "numbers", "--from", tmp_path.as_uri(), "--json", *plugin]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["arrays"] == {"x_train": {"shape": [3], "dtype": "uint8"}}
    assert main(["data", "path", "numbers", *plugin]) == 0
    assert capsys.readouterr().out.strip() == told["path"]


def test_fetch_tells_what_was_cached_and_compares_all_the_same(
    plugin: list[str], capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "numbers").write_bytes(CONTENT)
    fetch = ["data", "fetch", "numbers", "--from", str(tmp_path), *plugin]
    assert main(fetch) == 0
    assert not capsys.readouterr().err
    assert main(fetch) == 0
    assert capsys.readouterr().err == f"was cached already, from the same files as in {tmp_path}\n"
    (tmp_path / "numbers").write_bytes(b"other")
    assert main(fetch) == 2
    assert "numbers is damaged or another file: sha256" in capsys.readouterr().err


def test_a_damaged_cache_is_told_with_what_to_delete(plugin: list[str], capsys: Capture) -> None:
    assert main(["data", "path", "ramp", *plugin]) == 0
    folder = Path(capsys.readouterr().out.strip())
    (array,) = folder.glob("*.npy")
    array.write_bytes(array.read_bytes() + b"x")
    assert main(["data", "path", "ramp", *plugin]) == 2
    told = f"optbench: the cached data in {folder} are damaged; delete that folder; it is built again\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("path", "numbers"),
            (
                "data set numbers is not on this machine; "
                "`apt install numbers` or `optbench data fetch numbers --from FOLDER|URL`"
            ),
        ),
        (("fetch", "numbers", "--from", "/nowhere"), "no numbers.gz in /nowhere; with or without .gz"),
        (("fetch", "nunbers"), "unknown data set 'nunbers'; nearest: numbers; `optbench data list` shows the names"),
        (("fetch", "ramp", "--from", "/nowhere"), "data set ramp is made from no files that could be fetched"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    plugin: list[str], capsys: Capture, arguments: tuple[str, ...], line: str
) -> None:
    assert main(["data", *arguments, *plugin]) == 2
    assert capsys.readouterr().err == f"optbench: {line}\n"


def test_a_data_set_is_shown_like_any_record(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "ramp", *plugin]) == 0
    shown = capsys.readouterr().out
    for text in ("3 train", "2 × 1", "a test", "MIT"):
        assert text in shown


def test_the_plugin_in_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    import numpy as np

    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "_announced", [])
    guide = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    (source,) = [block for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL) if "sensors" in block]
    content = np.zeros((1000, 9), "<f4").tobytes()
    (tmp_path / "lab.py").write_text(source.replace("…", hashlib.sha256(content).hexdigest()), encoding="utf-8")
    (tmp_path / "sensors.bin").write_bytes(content)
    assert (
        main(["data", "fetch", "sensors", "--from", str(tmp_path), "--json", "--plugin", str(tmp_path / "lab.py")]) == 0
    )
    shapes = {name: told["shape"] for name, told in json.loads(capsys.readouterr().out)["arrays"].items()}
    assert shapes["x_train"] == [800, 8]
    assert shapes["y_test"] == [100]

"""`optbench publish`: what it adds, leaves alone and refuses. The pages of the box's reporter: tests/plugins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from optbench.cli import main

Write = Callable[..., str]
PLUGIN = """
from optbench.api import *

class Writes:
    def __call__(self, model, folder):
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / "index.html"
        page.write_text(model.title)
        with (folder / "count").open("a") as file:
            file.write(".")
        return (page,)

    def index(self, site, folder):
        page = folder / "index.html"
        page.write_text(site.title + " " + " ".join(f"{run.id}:{run.trials}:{run.pages[0]}" for run in site.runs))
        return (page,)

@hookimpl
def optbench_reporters():
    yield ReporterPlugin(name="writes", factory=f"{__name__}:Writes", summary="Writes.")
    yield ReporterPlugin(name="fails", factory=f"{__name__}:Nothing", summary="Not by default.", by_default=False)
"""


@pytest.fixture
def publish(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that publishes into `site` with a reporter of its own."""
    (tmp_path / "ours.py").write_text(PLUGIN, encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["publish", *arguments, "--plugin", "ours.py"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def shards(folder: str = "site") -> list[Path]:
    return sorted(Path(folder, "shards").iterdir())


def test_a_run_becomes_a_shard_with_a_page_and_stands_in_the_index(publish, write: Write):
    code, out, _ = publish("site", "--store", write("a.sqlite"), "--title", "Ours")
    (shard,) = shards()
    assert code == 0
    assert "1 run of 1 suite" in out
    assert Path("site/index.html").read_text() == f"Ours {shard.name}:24:runs/{shard.name}/index.html"
    assert Path(f"site/runs/{shard.name}/index.html").read_text() == "Mine"


def test_publishing_again_adds_nothing_and_keeps_title_and_pages(publish, write: Write):
    store = write("a.sqlite")
    publish("site", "--store", store, "--title", "Ours")
    publish("site", "--store", store)
    (shard,) = shards()
    assert Path("site/index.html").read_text().startswith("Ours ")
    assert Path(f"site/runs/{shard.name}/count").read_text() == "."
    publish("site", "--store", store, "--rebuild")
    assert Path(f"site/runs/{shard.name}/count").read_text() == ".."


def test_shards_of_another_machine_are_merged_by_copying_them(publish, write: Write):
    publish("site", "--store", write("a.sqlite"))
    publish("other", "--store", write("b.sqlite", machine="there"))
    (theirs,) = shards("other")
    shutil.copytree(theirs, Path("site/shards") / theirs.name)
    code, out, _ = publish("site", "--store", "none.sqlite")
    assert code == 0
    assert "2 runs" in out
    assert theirs.name in Path("site/index.html").read_text()
    assert not Path("none.sqlite").exists()


def test_chosen_runs_are_published(publish, write: Write):
    write("a.sqlite")
    store = write("a.sqlite", 2.0)
    publish("site", "--store", store, "--run", "1")
    assert len(shards()) == 1
    publish("site", "--store", store, "--run", "1", "--run", "2")
    assert len(shards()) == 2
    assert publish("site", "--store", store, "--run", "3")[0] == 2
    assert publish("site", "--store", store, "--suite", "other")[0] == 2


def test_a_changed_byte_is_rejected_by_name_and_nothing_is_written(publish, write: Write):
    publish("site", "--store", write("a.sqlite"))
    (shard,) = shards()
    assert publish("site", "--verify")[:2] == (0, "1 shard in site: all as they were written\n")
    path = shard / "trials.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    index = Path("site/index.html").read_text()
    code, _, error = publish("site", "--verify")
    assert code == 1
    assert shard.name in error
    code, _, error = publish("site", "--store", write("b.sqlite", machine="there"))
    assert code == 2
    assert shard.name in error
    assert error.count("\n") == 1
    assert Path("site/index.html").read_text() == index
    assert len(shards()) == 1


def test_a_shard_that_is_gone_is_told_and_its_report_goes_with_the_next_publishing(publish, write: Write):
    publish("site", "--store", write("a.sqlite"))
    publish("site", "--store", write("b.sqlite", machine="there"))
    lost, kept = shards()
    shutil.rmtree(lost)
    code, _, error = publish("site", "--verify")
    assert code == 1
    assert f"{lost.name}: it is gone" in error
    (Path("site/runs") / kept.name / "summary.json").write_text("{")  # written anew
    assert publish("site", "--store", "none.sqlite")[0] == 0
    assert [path.name for path in Path("site/runs").iterdir()] == [kept.name]
    assert publish("site", "--verify")[0] == 0
    assert lost.name not in Path("site/index.html").read_text()


def test_a_folder_that_is_not_there_is_no_sound_site(publish):
    code, _, error = publish("sight", "--verify")
    assert code == 2
    assert "no folder sight" in error


def test_a_newer_schema_is_refused_by_name(publish, write: Write):
    publish("site", "--store", write("a.sqlite"))
    (shard,) = shards()
    manifest = shard / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema": 7}))
    code, _, error = publish("site", "--verify")
    assert code == 1
    assert shard.name in error
    assert "upgrade optbench" in error


def test_a_folder_with_something_else_is_left_alone(publish, write: Write):
    Path("site").mkdir()
    Path("site/index.html").write_text("my own")
    code, _, error = publish("site", "--store", write("a.sqlite"))
    assert code == 2
    assert "holds no site" in error
    assert [path.name for path in Path("site").iterdir()] == ["index.html"]


def test_a_link_that_a_browser_would_run_is_refused(publish, write: Write):
    write("a.sqlite")
    code, _, err = publish("site", "--store", "a.sqlite", "--history", "javascript:alert(1)")
    assert (code, err.count("\n")) == (2, 1)
    assert not Path("site").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder is unwritable to everybody here")
def test_a_folder_that_cannot_be_written_is_one_line(publish, write: Write):
    code, _, err = publish("/proc/site", "--store", write("a.sqlite"))
    assert (code, err.count("\n")) == (2, 1)
    assert "can't write in /proc/site" in err


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_damaged_settings_of_the_site_are_one_line(publish, write: Write, text: str):
    publish("site", "--store", write("a.sqlite"))
    Path("site/site.json").write_text(text)
    code, _, err = publish("site", "--store", "a.sqlite")
    assert (code, err.count("\n")) == (2, 1)
    assert "site/site.json is damaged" in err


def test_without_a_store_there_is_nothing_to_publish(publish):
    code, _, error = publish("site", "--store", "none.sqlite")
    assert code == 2
    assert "no store at" in error
    assert not Path("site").exists()

"""Data sets by name, from whatever plugin states them."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from optbench.api import DataFile, DataSetPlugin, Option, UserError, load_dataset
from optbench.api import datasets as module
from optbench.api.datasets import announce_datasets, named_dataset

CONTENT = b"\x01\x02\x03"
STATED = {"summary": "Numbers.", "licence": "none", "source": "a test"}


def count(*, n):
    calls.append(n)
    return {"x_train": np.arange(n), "y_train": np.zeros(n)}


def draw(*, streams, n):
    import torch

    return {"x_train": torch.rand(n, generator=streams("x")).numpy()}


def read(*, files):
    return {"x_train": np.frombuffer(files["numbers.gz"], np.uint8)}


def read_own(*, files, times):
    return {name: np.frombuffer(content * times, np.uint8) for name, content in files.items()}


calls: list[int] = []
N = {"n": Option(default=4, doc="examples", low=1)}
RECORDS = {
    "count": DataSetPlugin(name="count", factory=f"{__name__}:count", options=N, **STATED),
    "draw": DataSetPlugin(
        name="draw",
        factory=f"{__name__}:draw",
        options={**N, "seed": Option(default=0, doc="of the numbers")},
        generated=True,
        **STATED,
    ),
    "read": DataSetPlugin(
        name="read",
        factory=f"{__name__}:read",
        files=(DataFile(name="numbers.gz", sha256=hashlib.sha256(CONTENT).hexdigest()),),
        obtain="`apt install numbers`",
        **STATED,
    ),
    "own": DataSetPlugin(
        name="own",
        factory=f"{__name__}:read_own",
        options={
            "path": Option(default="", doc="a file"),
            "test": Option(default="", doc="another"),
            "times": Option(default=1, doc="how often"),
        },
        inputs=("path", "test"),
        **STATED,
    ),
}


@pytest.fixture(autouse=True)
def plugins(tmp_path, monkeypatch):
    """Return a function that makes a plugin of records; the plugin "ours" has all of the above."""
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_announced", [])
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or SimpleNamespace(**globals()))
    known: dict[str, str] = {}

    def plugin(name, hook):
        monkeypatch.setitem(sys.modules, f"fake_{name}", SimpleNamespace(optbench_datasets=hook))
        known[name] = f"fake_{name}"
        announce_datasets(dict(known))

    plugin("ours", lambda: iter(RECORDS.values()))
    calls.clear()
    return plugin


def test_a_set_is_made_once_for_each_choice_of_options():
    assert load_dataset("count")["x_train"].tolist() == [0, 1, 2, 3]
    assert load_dataset("ours/count(n=2)")["x_train"].tolist() == [0, 1]
    load_dataset("count(n=4)")
    assert calls == [4, 2]


def test_another_edition_is_made_anew(plugins):
    load_dataset("count")
    plugins("ours", lambda: [replace(RECORDS["count"], edition="2")])
    load_dataset("count")
    assert calls == [4, 4]


def test_generated_numbers_follow_the_seed():
    first, again, other = (load_dataset(text)["x_train"] for text in ("draw", "draw(n=4)", "draw(seed=1)"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("coumt", "unknown data set 'coumt'; nearest: count"),
        ("count(m=1)", "unknown option 'm'"),
        ("count(n=0)", "lowest allowed: 1"),
        ("count + count", "one name"),
        ("own", r'own wants path; a path, as in own\(path="FILE"\)'),
    ],
)
def test_what_is_written_wrong_is_told(text, told):
    with pytest.raises(UserError, match=told):
        load_dataset(text)


def test_a_name_that_two_plugins_use_is_written_in_full(plugins):
    plugins("theirs", lambda: [RECORDS["count"]])
    with pytest.raises(UserError, match="provided twice: ours/count and theirs/count"):
        load_dataset("count")
    assert len(load_dataset("theirs/count(n=3)")["x_train"]) == 3


def test_a_broken_plugin_does_not_take_the_others_down(plugins):
    def broken():
        raise RuntimeError("no records")

    plugins("broken", broken)
    assert len(load_dataset("count")["x_train"]) == 4


def test_without_the_library_one_line_says_what_to_install(plugins):
    plugins("ours", lambda: [replace(RECORDS["count"], requires={"no_such_module": "optbench[none]"})])
    with pytest.raises(UserError, match=r"count needs no_such_module, .*: pip install 'optbench\[none\]'"):
        load_dataset("count")


def test_without_its_files_one_line_says_how_to_get_them(tmp_path):
    with pytest.raises(UserError) as raised:
        load_dataset("read")
    assert str(raised.value) == (
        "data set read is not on this machine; `apt install numbers` or `optbench data fetch read --from FOLDER|URL`"
    )
    assert not (tmp_path / "cache").exists()


def test_fetched_files_serve_from_then_on(tmp_path):
    (tmp_path / "numbers").write_bytes(CONTENT)
    found = named_dataset("read")
    assert not found.cached
    assert found.fetch(tmp_path.as_uri())["x_train"].tolist() == [1, 2, 3]
    (tmp_path / "numbers").unlink()
    assert found.cached
    assert load_dataset("read")["x_train"].tolist() == [1, 2, 3]


def test_files_to_fetch_from_are_compared_even_if_the_set_is_cached(tmp_path):
    (tmp_path / "numbers").write_bytes(CONTENT)
    found = named_dataset("read")
    found.fetch(str(tmp_path))
    assert found.fetch(str(tmp_path))["x_train"].tolist() == [1, 2, 3]
    (tmp_path / "numbers").write_bytes(b"\x01\x02\x04")
    with pytest.raises(UserError, match="numbers is damaged or another file"):
        found.fetch(str(tmp_path))
    with pytest.raises(UserError, match="no numbers"):
        found.fetch(str(tmp_path / "nowhere"))


def test_files_of_a_package_of_the_system_are_found(tmp_path, plugins):
    plugins("ours", lambda: [replace(RECORDS["read"], folders=(str(tmp_path / "none"), str(tmp_path)))])
    (tmp_path / "numbers.gz").write_bytes(CONTENT)
    assert load_dataset("read")["x_train"].tolist() == [1, 2, 3]


def test_only_fetching_goes_to_the_net(tmp_path, plugins):
    plugins("ours", lambda: [replace(RECORDS["read"], url=tmp_path.as_uri())])
    (tmp_path / "numbers").write_bytes(CONTENT)
    with pytest.raises(UserError, match="not on this machine"):
        load_dataset("read")
    assert named_dataset("read").fetch()["x_train"].tolist() == [1, 2, 3]


def test_where_the_net_cannot_be_reached_the_other_ways_are_told(plugins):
    plugins("ours", lambda: [replace(RECORDS["read"], url="http://127.0.0.1:1")])
    with pytest.raises(UserError, match=r"can't read http://127\.0\.0\.1:1/numbers\.gz: .*; `apt install numbers` or "):
        named_dataset("read").fetch()


def test_a_damaged_file_leaves_the_cache_as_it_was(tmp_path):
    (tmp_path / "numbers").write_bytes(b"\x01\x02\x04")
    with pytest.raises(UserError, match="numbers is damaged"):
        named_dataset("read").fetch(str(tmp_path))
    assert not (tmp_path / "cache").exists()


def test_sets_without_files_are_not_fetched_from_anywhere():
    with pytest.raises(UserError, match="count is made from no files"):
        named_dataset("count").fetch("/tmp")


def test_files_of_the_users_are_known_by_their_content(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.write_bytes(CONTENT)
    text = f'own(path="{first}", test="{second}", times=2)'
    arrays = load_dataset(text)
    assert {name: array.tolist() for name, array in arrays.items()} == {"path": [1, 2, 3] * 2, "test": [1, 2, 3] * 2}
    second.write_bytes(b"\x05")
    with pytest.raises(UserError, match="second has changed since it was first read"):
        load_dataset(text)
    assert named_dataset(f'own(path="{first}", times=2)').cached is False


def test_a_file_that_cannot_be_parsed_is_not_remembered(tmp_path, monkeypatch):
    path = tmp_path / "mine"
    path.write_bytes(b"bad")

    def refuse(*, files, times):
        raise UserError("mine is no such file")

    monkeypatch.setattr(sys.modules[__name__], "read_own", refuse)
    for content in (b"bad", b"worse"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="no such file"):
            load_dataset(f'own(path="{path}")')


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([1, 2], "its factory made a list; arrays of numpy by name"),
        ({"x_train": [1, 2]}, "x_train is no array of numbers"),
        ({"x_train": np.array(["a", None])}, "x_train is no array of numbers"),
        ({"x_test": np.ones(3), "y_test": np.ones(2)}, "has 3 of x_test and 2 of y_test; as many of each"),
        ({"x_train": np.ones(3), "difficulty_train": np.ones(2)}, "has 3 of x_train and 2 of difficulty_train"),
    ],
)
def test_what_a_factory_makes_is_looked_at_before_it_is_cached(monkeypatch, tmp_path, made, told):
    monkeypatch.setattr(sys.modules[__name__], "count", lambda *, n: made)
    with pytest.raises(UserError, match=f"data set count.*{told}"):
        load_dataset("count")
    assert not (tmp_path / "cache").exists()


def test_the_beginning_of_a_set_keeps_the_other_splits_whole(tmp_path):
    from optbench.api import dataset

    whole = dataset("toy", lambda: {"x_train": np.arange(6), "y_train": np.arange(6), "x_test": np.arange(3)})
    part = whole.first(2)
    assert {name: array.tolist() for name, array in part.items()} == {
        "x_train": [0, 1],
        "y_train": [0, 1],
        "x_test": [0, 1, 2],
    }
    assert len({whole.digest, part.digest, whole.first(3).digest}) == 3

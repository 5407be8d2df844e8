"""Files of users in the formats idx and LIBSVM."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from optbench_learning.data.idx import parse_idx

from optbench.api import UserError, load_dataset
from optbench.records import Call

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def packed(array, kind):
    """Return an array in the idx format, written number by number."""
    letter = {"u1": "B", "i1": "b", ">i2": ">h", ">i4": ">i", ">f4": ">f", ">f8": ">d"}[kind]
    header = bytes((0, 0, CODES[kind], array.ndim)) + b"".join(struct.pack(">I", length) for length in array.shape)
    return header + b"".join(struct.pack(letter, number) for number in array.ravel().tolist())


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return to


@pytest.mark.parametrize("kind", CODES)
def test_every_type_of_idx_is_read_with_its_high_byte_first(kind):
    array = (np.arange(24) * 5).reshape(2, 3, 4)
    read = parse_idx(packed(array, kind), "it")
    assert np.array_equal(read, array)
    assert read.dtype == np.dtype(kind).newbyteorder("=")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is no idx file"),
        (b"\x89PNG....", "it is no idx file"),
        (b"\0\0\x07\1\0\0\0\1\0", "it is no idx file"),
        (b"\0\0\x08\3\0\0\0\1", "it is cut off: its header wants 16 bytes, it has 8"),
        (b"\0\0\x08\1\0\0\0\3ab", r"it is damaged: shape \(3,\) wants 11 bytes, it has 10"),
        (b"\0\0\x08\1\0\0\0\1ab", r"it is damaged: shape \(1,\) wants 9 bytes, it has 10"),
    ],
)
def test_what_is_no_idx_is_told(content, told):
    with pytest.raises(UserError, match=told):
        parse_idx(content, "it")


def test_idx_files_become_three_parts_with_balanced_classes(write):
    labels = np.repeat(np.arange(4), 20)
    images = np.arange(80 * 6).reshape(80, 2, 3) % 256
    paths = write("images.gz", gzip.compress(packed(images, "u1"))), write("labels", packed(labels, "u1"))
    arrays = load_dataset(f'idx(images="{paths[0]}", labels="{paths[1]}")')
    parts = {part: np.bincount(arrays[f"y_{part}"]).tolist() for part in ("train", "validation", "test")}
    assert parts == {"train": [12] * 4, "validation": [3] * 4, "test": [5] * 4}
    assert arrays["x_train"].dtype == np.uint8
    seen = [(*x.ravel(), y) for part in parts for x, y in zip(arrays[f"x_{part}"], arrays[f"y_{part}"], strict=True)]
    assert sorted(seen) == sorted((*x.ravel(), y) for x, y in zip(images, labels, strict=True))


def test_idx_files_to_test_are_the_test_part(write):
    images, labels = np.arange(30).reshape(10, 3), np.zeros(10, int)
    files = {name: write(name, packed(array, "u1")) for name, array in (("images", images), ("labels", labels))}
    files |= {f"test_{name}": path for name, path in files.items()}
    arrays = load_dataset(str(Call("idx", files)))
    assert arrays["x_test"].tolist() == images.tolist()
    assert (len(arrays["x_train"]), len(arrays["x_validation"])) == (8, 2)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("images",), "idx wants labels"),
        (("images", "labels", "test_images"), "has one of test_images and test_labels"),
        (("images", "test_labels"), "idx wants labels"),
    ],
)
def test_idx_files_that_do_not_belong_together_are_told(write, given, told):
    path = write("numbers", packed(np.arange(4), "u1"))
    with pytest.raises(UserError, match=told):
        load_dataset(str(Call("idx", dict.fromkeys(given, path))))


def test_more_images_than_labels_are_told(write):
    images, labels = (
        write("images", packed(np.zeros((3, 2), int), "u1")),
        write("labels", packed(np.zeros(2, int), "u1")),
    )
    with pytest.raises(UserError, match=r"images and labels have shapes \(3, 2\) and \(2,\); as many of each"):
        load_dataset(f'idx(images="{images}", labels="{labels}")')


LINES = b"".join(b"%+d 1:%d 3:0.5\n" % (1 if row % 2 else -1, row) for row in range(40))


def test_libsvm_files_become_tables_with_classes_from_0(write):
    path = write("table", LINES)
    arrays = load_dataset(f'libsvm(path="{path}")')
    assert {part: arrays[f"x_{part}"].shape for part in ("train", "validation", "test")} == {
        "train": (24, 3),
        "validation": (6, 3),
        "test": (10, 3),
    }
    for part in ("train", "validation", "test"):
        assert np.array_equal(arrays[f"x_{part}"][:, 0] % 2, arrays[f"y_{part}"])
        assert (arrays[f"x_{part}"][:, 1:] == [0, 0.5]).all()
    assert arrays["y_train"].dtype == np.int64


def test_libsvm_files_to_test_have_the_columns_and_classes_of_both(write):
    path, test = write("table", LINES), write("test", b"0 5:1\n-1 2:1\n")
    arrays = load_dataset(f'libsvm(path="{path}", test="{test}")')
    assert arrays["x_test"].tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 0, 1]]
    assert arrays["y_test"].tolist() == [0, 1]
    assert set(arrays["y_train"].tolist()) == {0, 2}
    assert arrays["x_train"].shape == (32, 5)


def test_libsvm_labels_may_be_numbers(write):
    path = write("table", b"0.5 1:1\n1.5 1:2\n" * 10)
    arrays = load_dataset(f'libsvm(path="{path}", targets="numbers")')
    assert set(arrays["y_train"].tolist()) == {0.5, 1.5}


@pytest.mark.parametrize("content", [b"1 1:x\n", b"a 1:1\n", b"1 2:1 1:1\n", b"1 %d:1\n" % 10**20])
def test_what_is_not_in_libsvms_format_is_told(write, content):
    with pytest.raises(UserError, match="no file in LIBSVM's format"):
        load_dataset(f'libsvm(path="{write("table", content)}")')


@pytest.mark.parametrize("content", [b"nan 1:1\n", b"1 1:nan\n", b"1 1:1\n-1 1:1e400\n"])
def test_libsvm_files_of_what_is_no_finite_number_are_told(write, content):
    with pytest.raises(UserError, match="holds what is no finite number"):
        load_dataset(f'libsvm(path="{write("table", content)}")')


@pytest.mark.parametrize("content", [b"", b"# nothing\n"])
def test_files_without_examples_are_told(write, content):
    with pytest.raises(UserError, match="data set libsvm has no training examples"):
        load_dataset(f'libsvm(path="{write("table", content)}")')


def test_labels_of_images_that_are_no_integers_are_told(write):
    images, labels = (
        write("images", packed(np.zeros((3, 2), int), "u1")),
        write("labels", packed(np.ones(3) / 2, ">f4")),
    )
    with pytest.raises(UserError, match=r"labels are float32 of shape \(3,\); an integer an image"):
        load_dataset(f'idx(images="{images}", labels="{labels}")')


def test_a_table_that_no_memory_holds_is_refused(write):
    path = write("table", b"1 900000000:1\n-1 1:1\n")
    with pytest.raises(UserError, match=r"the table takes 13\.4 GiB; at most 2 GiB"):
        load_dataset(f'libsvm(path="{path}")')


def saved(path, **arrays):
    np.savez(path, **arrays)
    return load_dataset(f'npz(path="{path}")')


def test_arrays_of_numpy_are_cut_like_other_files(tmp_path):
    x, y = np.arange(40.0).reshape(40, 1), np.arange(40) % 2
    arrays = saved(tmp_path / "a.npz", x=x, y=y)
    assert [len(arrays[f"x_{part}"]) for part in ("train", "validation", "test")] == [24, 6, 10]
    seen = np.concatenate([arrays[f"x_{part}"][:, 0] for part in ("train", "validation", "test")])
    assert sorted(seen) == list(range(40))
    for part in ("train", "validation", "test"):
        assert np.array_equal(arrays[f"x_{part}"][:, 0] % 2, arrays[f"y_{part}"])


def test_parts_that_a_file_of_numpy_has_stay_as_they_are(tmp_path):
    x, y = np.arange(10.0).reshape(10, 1), np.zeros(10, int)
    kept = saved(tmp_path / "b.npz", x_train=x, y_train=y, x_validation=x + 10, y_validation=y, x_test=x + 20, y_test=y)
    assert [kept[f"x_{part}"][0, 0] for part in ("train", "validation", "test")] == [0, 10, 20]
    cut = saved(tmp_path / "c.npz", x_train=x, y_train=y, x_test=x + 20, y_test=y)
    assert [len(cut[f"x_{part}"]) for part in ("train", "validation", "test")] == [8, 2, 10]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"a": np.zeros(3)}, "the file has a; x and y, or x_train"),
        ({"x": np.zeros(3)}, "there is one of x and y; both or neither"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, r"x and y have shapes \(3,\) and \(4,\); as many of each"),
        ({"x": np.array([None]), "y": np.zeros(1)}, "no file in numpy's format npz: Object arrays"),
    ],
)
def test_arrays_of_numpy_that_make_no_data_set_are_told(tmp_path, arrays, told):
    with pytest.raises(UserError, match=told):
        saved(tmp_path / "d.npz", **arrays)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\3\4....", b"\x93NUMPY\1\0v\0"])
def test_what_is_no_file_of_numpy_is_told(write, content):
    with pytest.raises(UserError, match="no file in numpy's format npz"):
        load_dataset(f'npz(path="{write("e.npz", content)}")')

"""Generated data follow their papers' rules, and their parts share nothing."""

from __future__ import annotations

import ast
import io
import re
from contextlib import redirect_stdout

import numpy as np
import pytest
from optbench_learning.data.curves import along, drawn, pixels
from optbench_learning.data.sequences import ALPHABET, IGNORED, Draws
from optbench_learning.data.shapes import ELLIPSE, RECTANGLE, TRIANGLE, Figure, inside
from scipy import ndimage

from optbench.api import load_dataset
from optbench.api.streams import SeededStreams

PARTS = ("train", "validation", "test")
TASKS = ["addition(n=300)", "copy(n=300)", "programs(n=300, length=3, nesting=3)"]


def texts(arrays, part):
    """Return (question, answer, difficulty) of each example, read from inputs and from targets."""
    read = []
    columns = (arrays[f"{name}_{part}"] for name in ("x", "y", "difficulty"))
    for inputs, targets, difficulty in zip(*columns, strict=True):
        given = "".join(ALPHABET[code] for code in inputs).rstrip("\0")
        said = "".join(ALPHABET[code] for code in targets if code != IGNORED)
        question, _, answer = given.partition("@")
        assert said == f"{answer}."
        first = len(question)  # from @ on, the next character is asked for
        assert np.array_equal(targets != IGNORED, (np.arange(len(targets)) >= first) & (inputs > 0))
        read.append((question, answer, int(difficulty)))
    return read


@pytest.mark.parametrize("task", TASKS)
def test_no_question_is_in_two_parts_and_the_last_two_are_of_the_hardest(task):
    arrays = load_dataset(task)
    questions = {part: texts(arrays, part) for part in PARTS}
    assert {part: len(found) for part, found in questions.items()} == {"train": 300, "validation": 60, "test": 60}
    asked = [{question for question, _, _ in found} for found in questions.values()]
    assert sum(map(len, asked)) == len(set.union(*asked))
    hardest = max(difficulty for _, _, difficulty in questions["train"])
    degrees = {difficulty for _, _, difficulty in questions["train"]}
    assert degrees == set(range(1, hardest + 1))
    for part in ("validation", "test"):
        assert {difficulty for _, _, difficulty in questions[part]} == {hardest}


def test_all_training_examples_are_of_the_hardest_unless_degrees_are_mixed():
    assert set(load_dataset("addition(n=50, mixed=false)")["difficulty_train"].tolist()) == {4}
    assert set(load_dataset("shapes(n=12, mixed=false)")["difficulty_train"].tolist()) == {1}


def test_sums_are_right_and_their_numbers_are_equally_long():
    carries = 0
    for question, answer, difficulty in texts(load_dataset("addition(n=300)"), "train"):
        first, second = question.split("+")
        assert len(first) == len(second) == difficulty
        assert first[0] != "0"
        assert second[0] != "0"
        assert int(first) + int(second) == int(answer)
        carries += int(first[-1]) + int(second[-1]) > 9
    assert 80 < carries < 220


def test_copies_say_the_same_again():
    digits = []
    for question, answer, difficulty in texts(load_dataset("copy(n=300)"), "train"):
        assert re.fullmatch(r"\d+", question)
        assert question == answer
        assert len(question) == difficulty
        digits += question
    shares = np.bincount(list(map(int, digits)), minlength=10) / len(digits)
    assert shares.min() > 0.07


@pytest.mark.parametrize("part", PARTS)
def test_programs_print_what_python_prints(part):
    for program, answer, _ in texts(load_dataset("programs(n=300, length=3, nesting=3)"), part):
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(program, "program", "exec"), {})
        assert printed.getvalue() == f"{answer}\n"


def operations(program):
    """Return how many operations a program has, and the longest of its numbers."""
    counted = (ast.BinOp, ast.IfExp, ast.For)
    nodes = list(ast.walk(ast.parse(program)))
    assigned = sum(isinstance(node, ast.Assign) for node in nodes) - sum(isinstance(node, ast.For) for node in nodes)
    numbers = [len(str(node.value)) for node in nodes if isinstance(node, ast.Constant)]
    return assigned + sum(isinstance(node, counted) for node in nodes), max(numbers)


def test_programs_are_as_long_and_as_nested_as_their_difficulty_says():
    seen = set()
    for program, _, difficulty in texts(load_dataset("programs(n=300, length=3, nesting=3)"), "train"):
        number, longest = operations(program)
        seen |= {type(node).__name__ for node in ast.walk(ast.parse(program))}
        assert 1 <= number <= 3
        assert longest <= max(2, difficulty - number + 1)  # up to 4 · length turns, of two digits
        for turns in re.findall(r"range\((\d+)\)", program):
            assert 1 <= int(turns) <= 4 * (difficulty - number + 1)
    assert {"Add", "Sub", "Mult", "Assign", "IfExp", "For", "Lt", "Gt", "AugAssign"} <= seen


def test_draws_are_uniform_with_both_ends_and_differ_by_purpose_part_and_seed():
    draws = Draws(SeededStreams(0), "task", "train")
    counts = np.bincount([draws.between(3, 7) for _ in range(5000)], minlength=8)
    assert counts[:3].sum() == 0
    assert counts[3:].min() > 900
    keys = [(0, "task", "train"), (1, "task", "train"), (0, "other", "train"), (0, "task", "test")]
    first = [Draws(SeededStreams(seed), purpose, part).between(0, 10**12) for seed, purpose, part in keys]
    assert len(set(first)) == 4


def figure(kind, *, radius, turn=0.0, flatness=1.0, centre=(15.5, 15.5)):
    corners = np.pi * np.array([[1 / 6, 5 / 6, 3 / 2]])
    values = {"kind": [kind], "centre": [centre], "radius": [radius], "turn": [turn], "flatness": [flatness]}
    arrays = {name: np.array(value) for name, value in values.items()}
    return Figure(**arrays, corners=corners, levels=np.array([[0.0, 1.0]]))


@pytest.mark.parametrize("turn", [0.0, 0.6])
def test_figures_have_the_areas_of_geometry(turn):
    radius, flat = 11.0, 0.6
    areas = {
        ELLIPSE: np.pi * flat * radius**2,
        RECTANGLE: 4 * flat * radius**2 / (1 + flat**2),
        TRIANGLE: 3 * np.sqrt(3) / 4 * radius**2,
    }
    for kind, area in areas.items():
        mask = inside(figure(kind, radius=radius, turn=turn, flatness=flat))[0]
        assert mask.sum() == pytest.approx(area, rel=0.08)
        down, across = np.nonzero(mask)
        assert np.hypot(down - 15.5, across - 15.5).max() <= radius + 1e-9
        assert (down.mean(), across.mean()) == pytest.approx((15.5, 15.5), abs=0.3)


def test_shapes_are_one_figure_on_a_ground_within_the_image():
    arrays = load_dataset("shapes(n=60)")
    for image in arrays["x_train"]:
        ground = image[0, 0]
        mask = image != ground
        assert len(np.unique(image)) == 2
        assert abs(int(image.max()) - int(image.min())) > 70
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()
        assert ndimage.label(mask, structure=np.ones((3, 3)))[1] == 1


def test_basic_shapes_vary_less_and_kinds_are_balanced():
    arrays = load_dataset("shapes(n=300)")
    basic = arrays["difficulty_train"] == 0
    assert basic.sum() == 150
    for part, count in (("train", 100), ("validation", 50), ("test", 50)):
        assert np.bincount(arrays[f"y_{part}"]).tolist() == [count] * 3
    assert set(arrays["difficulty_test"].tolist()) == {1}
    pixels = arrays["x_train"] != arrays["x_train"][:, :1, :1]
    areas = pixels.sum(axis=(1, 2))
    for kind in (ELLIPSE, RECTANGLE, TRIANGLE):
        of_kind = arrays["y_train"] == kind
        assert areas[of_kind & basic].std() < 0.7 * areas[of_kind & ~basic].std()


def test_curves_go_through_their_points_and_stay_inside():
    knots = drawn(200, SeededStreams(0)("curves", "train"))
    path, lengths = along(knots)
    assert path.min() >= 1
    assert path.max() <= 26
    for row in range(5):
        fits = [np.polyfit([0, 0.5, 1], knots[row, :, axis], 2) for axis in range(2)]
        fine = np.stack([np.polyval(fit, np.linspace(0, 1, 5000)) for fit in fits], axis=1)
        nearest = np.linalg.norm(path[row][:, None] - fine, axis=2).min(axis=1)
        assert nearest.max() < 0.02
        assert lengths[row].sum() == pytest.approx(np.linalg.norm(np.diff(fine, axis=0), axis=1).sum(), rel=1e-3)


def test_ink_lies_on_the_curve_and_nowhere_else():
    knots = drawn(20, SeededStreams(0)("curves", "train"))
    grid = np.stack(np.meshgrid(np.arange(28), np.arange(28)), axis=2).reshape(-1, 2)  # across, down
    for image, points in zip(pixels(knots), knots, strict=True):
        fits = [np.polyfit([0, 0.5, 1], points[:, axis], 2) for axis in range(2)]
        t = np.linspace(0.03, 0.97, 500)
        middle = np.stack([np.polyval(fit, t) for fit in fits], axis=1)
        whole = np.stack([np.polyval(fit, np.linspace(0, 1, 500)) for fit in fits], axis=1)
        bright = image.ravel()
        assert (bright[np.linalg.norm(grid[:, None] - whole, axis=2).min(axis=1) > 3] == 0).all()
        assert (bright[np.linalg.norm(grid[:, None] - middle, axis=2).min(axis=1) < 0.2] > 120).all()


def test_curves_are_their_points_in_the_targets():
    arrays = load_dataset("curves(n=40)")
    assert arrays["x_train"].shape == (40, 28, 28)
    assert arrays["x_test"].shape == (8, 28, 28)
    knots = arrays["y_test"].reshape(-1, 3, 2) * 27
    assert np.array_equal(pixels(knots), arrays["x_test"])
    assert not {x.tobytes() for x in arrays["x_train"]} & {x.tobytes() for x in arrays["x_test"]}


@pytest.mark.parametrize("name", ["addition", "copy", "programs", "shapes", "curves"])
def test_the_seed_draws_other_examples_and_the_same_one_the_same(name, tmp_path, monkeypatch):
    first = load_dataset(f"{name}(n=20)")
    other = load_dataset(f"{name}(n=20, seed=1)")
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path))
    assert load_dataset(f"{name}(n=20)").digest == first.digest != other.digest

"""Nets on a data set that an option names: the same as those whose data stand fast, or one line."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
import torch
from optbench_learning.chosen import supervised
from torch.nn import functional

from optbench.api import UserError
from optbench.api.streams import SeededStreams
from optbench.registry import load_catalogue
from optbench.testing.subject import Subject
from optbench.testing.trials import place

CATALOGUE = load_catalogue()
STREAMS = SeededStreams(0)
WHOLE = {"examples": 0, "batch_size": 0}


def built(name, **options):
    return Subject.with_options(CATALOGUE.get("problems", name), options, CATALOGUE).problem(place())


@pytest.fixture
def stored(tmp_path):
    """Write arrays to a file and return the data set that it makes."""

    names = (tmp_path / f"{number}.npz" for number in count())

    def write(**arrays):
        path = next(names)
        np.savez(path, **arrays)
        return f'npz(path="{path}")'

    return write


def numbers(*shape):
    return np.random.default_rng(3).normal(size=shape)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {"hidden": [5]}),
        ("autoencoder", {"hidden": [5]}),
        ("resnet", {"width": 5, "units": 2, "biases": "zero"}),
    ],
)
def test_on_the_digits_it_is_the_problem_of_that_name(name, options):
    ours = built(name, data="digits", scaling="none", **options, **WHOLE)
    known = built(f"{name}-digits", **options, **WHOLE)
    x = ours.start(STREAMS).parameters
    assert torch.equal(x, known.start(STREAMS).parameters)
    assert torch.equal(ours.value(x), known.value(x))


def test_a_picture_may_be_cut_from_a_row():
    ours = built("convnet", data="digits", shape=[8, 8], scaling="none", channels=[2, 2], **WHOLE)
    known = built("convnet-digits", **WHOLE)
    x = ours.start(STREAMS).parameters
    assert torch.equal(ours.value(x), known.value(x))


def test_pictures_may_have_channels(stored):
    data = stored(x=numbers(24, 3, 4, 4), y=np.arange(24) % 2)
    for name in ("convnet", "resnet"):
        problem = built(name, data=data, **WHOLE)
        assert problem.data["train"][0].shape[1:] == (3, 4, 4)
        assert problem.value(problem.start(STREAMS).parameters).isfinite()


def test_bytes_become_shares_of_255_and_other_numbers_are_standardised(stored):
    pictures = np.random.default_rng(3).integers(0, 256, (20, 6)).astype(np.uint8)
    inputs, _ = built("mlp", data=stored(x=pictures, y=np.arange(20) % 2), **WHOLE).data["train"]
    assert torch.equal((inputs * 255).round(), inputs * 255)
    assert inputs.max() <= 1
    for x in (7 + 3 * numbers(20, 6), pictures.astype(np.int32)):
        inputs, _ = built("mlp", data=stored(x=x, y=np.arange(20) % 2), **WHOLE).data["train"]
        torch.testing.assert_close(inputs.mean(0), torch.zeros(6, dtype=torch.float64), atol=1e-12, rtol=0)
        torch.testing.assert_close(inputs.var(0, correction=0), torch.ones(6, dtype=torch.float64))


def test_without_scaling_bytes_are_numbers_too(stored):
    pictures = np.random.default_rng(3).integers(0, 256, (20, 6)).astype(np.uint8)
    problem = built("mlp", data=stored(x_train=pictures, y_train=np.zeros(20, int)), scaling="none", **WHOLE)
    assert {tuple(row) for row in problem.data["train"][0].tolist()} <= {tuple(map(float, row)) for row in pictures}


def test_targets_that_are_numbers_are_fitted_by_least_squares(stored):
    targets = numbers(20, 2)
    problem = built("mlp", data=stored(x=numbers(20, 6), y=targets), hidden=[], **WHOLE)
    x = problem.start(STREAMS).parameters
    weights, bias = x[:12].view(2, 6), x[12:]
    inputs, told = problem.data["train"]
    assert float(problem.value(x)) == pytest.approx(float((inputs @ weights.T + bias - told).square().mean()))
    assert set(problem.evaluate(problem.start(STREAMS), "test")) == {"loss"}


def test_single_numbers_are_told_by_one_output(stored):
    problem = built("mlp", data=stored(x=numbers(20, 6), y=numbers(20)), hidden=[3], **WHOLE)
    assert problem.layout["output.linear.weight"][1] == (1, 3)


@pytest.mark.parametrize(
    ("scaling", "loss"), [("none", functional.binary_cross_entropy_with_logits), ("auto", functional.mse_loss)]
)
def test_an_autoencoder_compares_shares_by_cross_entropy_and_other_numbers_by_squares(stored, scaling, loss):
    data = stored(x=np.random.default_rng(3).random((20, 6)), y=np.zeros(20, int))
    assert built("autoencoder", data=data, scaling=scaling, **WHOLE).loss is loss


def test_a_part_without_examples_is_left_out(stored):
    problem = built("mlp", data=stored(x=numbers(3, 2), y=np.arange(3)), **WHOLE)
    assert set(problem.data) == {"train"}


def test_one_class_alone_is_learnt_at_once(stored):
    problem = built("mlp", data=stored(x=numbers(20, 6), y=np.zeros(20, int)), **WHOLE)
    start = problem.start(STREAMS)
    value, gradient = problem.value_and_gradient(start.parameters)
    assert (float(value), float(gradient.abs().max())) == (0.0, 0.0)
    assert problem.evaluate(start, "test") == {"loss": 0.0, "accuracy": 1.0}


FOUR = np.arange(4)


def test_a_set_without_training_targets_is_refused():
    with pytest.raises(UserError, match="a net learns nothing from this data set; x_train and y_train with examples"):
        supervised({"x_train": numbers(4, 2)}, [], "auto")


@pytest.mark.parametrize(
    ("name", "arrays", "options", "told"),
    [
        ("mlp", {"x": numbers(4, 2), "y": FOUR - 1}, {}, "the lowest class is -1; classes 0, 1, …"),
        ("mlp", {"x": numbers(4, 2) * np.nan, "y": FOUR}, {}, "x_train holds what is no finite number"),
        ("mlp", {"x": numbers(4, 2), "y": numbers(4) * np.inf}, {}, "y_train holds what is no finite number"),
        ("mlp", {"x": np.array(["a"] * 4), "y": FOUR}, {}, "x_train holds <U1; numbers"),
        ("mlp", {"x": numbers(4, 2), "y": np.zeros((4, 3), int)}, {}, r"targets are integers of shape \(3,\)"),
        ("mlp", {"x": numbers(4, 2), "y": FOUR}, {"shape": [3]}, r"shape=\[3\] holds 3 numbers; an input has 2"),
        ("mlp", {"x": numbers(4, 2), "y": FOUR}, {"shape": [-1, -2]}, r"shape=\[-1, -2\]; lengths of 1 or more"),
        ("mlp", {"x": numbers(4, 2), "y": FOUR}, {"scaling": "unit"}, "scaling=unit, and inputs below 0 or above 255"),
        ("mlp", {"x": numbers(0, 2), "y": FOUR[:0]}, {}, "data set npz has no training examples"),
        ("convnet", {"x": numbers(4, 2), "y": FOUR}, {}, r"inputs of shape \(2,\) are no pictures"),
        ("convnet", {"x": numbers(4, 2, 2), "y": FOUR}, {"channels": [2, 2]}, r"channels=\[2, 2\]; each halves"),
        ("resnet", {"x": numbers(4, 3, 3), "y": FOUR}, {}, "pictures of 3 × 3; 4 × 4 or larger"),
        (
            "mlp",
            {"x_train": numbers(4, 2), "y_train": FOUR, "x_test": numbers(4, 3), "y_test": FOUR},
            {},
            "an example of x_test is 3 numbers, one of x_train 2 numbers",
        ),
    ],
)
def test_what_no_net_can_learn_is_told_in_one_line(stored, name, arrays, options, told):
    with pytest.raises(UserError, match=told) as raised:
        built(name, data=stored(**arrays), **options, **WHOLE)
    assert "\n" not in str(raised.value)

"""Which tasks say how hard their examples are, and what can't be had without."""

from __future__ import annotations

import pytest
import torch

from optbench.api import load_dataset
from optbench.registry import load_catalogue
from optbench.registry.requirements import missing_features
from optbench.testing.subjects import subject_of
from optbench.testing.trials import place

CATALOGUE = load_catalogue(only=("optbench",))
RECORDS = {item.name: item.record for item in CATALOGUE.records("problems")}
GRADED = {"mlp-shapes", "recurrent-addition", "recurrent-copy", "recurrent-programs"}


def test_problems_state_whether_their_examples_have_a_difficulty():
    assert {name for name, record in RECORDS.items() if "difficulty" in record.gives} == GRADED


@pytest.mark.parametrize("name", sorted(GRADED))
def test_each_training_example_has_a_difficulty(name):
    problem = subject_of(CATALOGUE.get("problems", name), "problems").problem(place())
    assert problem.difficulty.shape == (problem.examples,)


@pytest.mark.parametrize("data", ["addition", "copy"])
def test_the_difficulty_of_a_sequence_is_that_of_its_data(data):
    text = f"recurrent-{data}(examples=40, digits=3, hidden=[2])"
    problem = subject_of(text, "problems", CATALOGUE).problem(place())
    stated = load_dataset(f"{data}(n=40, digits=3, mixed=true)")["difficulty_train"]
    assert torch.equal(problem.difficulty, torch.tensor(stated))
    assert len(problem.difficulty.unique()) > 1


def test_examples_that_are_left_out_have_no_difficulty_left():
    problem = subject_of("mlp-shapes(examples=30, hidden=[2])", "problems", CATALOGUE).problem(place())
    assert problem.difficulty.tolist() == [index // 3 % 2 for index in range(30)]


def test_other_models_on_the_data_keep_the_difficulty():
    problem = subject_of("mlp-shapes(examples=30, hidden=[2])", "problems", CATALOGUE).problem(place())
    assert problem.with_blocks(problem.blocks).difficulty is problem.difficulty


@pytest.mark.parametrize("name", sorted(RECORDS.keys() - GRADED))
def test_a_curriculum_on_any_other_task_is_refused_before_anything_is_built(name):
    records = {
        "problem": RECORDS[name],
        "optimizer": CATALOGUE.get("optimizers", "sgd").record,
        "meta_algorithms": [CATALOGUE.get("meta-algorithms", "curriculum").record],
    }
    told = missing_features(**records)
    assert told is not None
    assert "difficulty" in told or "not installed" in told or "does not offer" in told

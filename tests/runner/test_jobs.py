"""What a child is told: factories in place of the initializers that a problem's options name."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from optbench.api import datasets
from optbench.measure.factories import build
from optbench.records import Job, TrialSpec, parse_one
from optbench.registry import load_catalogue, resolve
from optbench.runner.jobs import JobFactory, modules

PLUGIN = """
from optbench.api import InitializerPlugin, OptimizerPlugin, Option, Point, ProblemPlugin, hookimpl

class Problem:
    f_star, f_star_source, f_star_from_start = None, "", None
    size = 3

    def __init__(self, *, device, dtype, streams, weights):
        self.weights = weights

    def start(self, streams):
        import torch
        tensor = torch.zeros(3, dtype=torch.float64)
        self.weights("x", tensor, streams("weights", "x"))
        return Point(parameters=tensor)

    def value(self, x):
        return x.square().sum()

def make(**options):
    return object()

@hookimpl
def optbench_problems():
    weights = Option(default="level", doc="", plugins="initializers")
    yield ProblemPlugin(name="net", factory=f"{__name__}:Problem", summary="", options={"weights": weights})

@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(name="still", factory=f"{__name__}:make", summary="")
"""

INITIALIZER = """
from optbench.api import InitializerPlugin, Option, hookimpl

def level(*, height):
    return lambda name, tensor, generator: tensor.fill_(height)

@hookimpl
def optbench_initializers():
    options = {"height": Option(default=1.0, doc="")}
    yield InitializerPlugin(name="level", factory=f"{__name__}:level", summary="", options=options)
"""


def spec(catalogue, problem):
    return TrialSpec(
        problem=resolve(catalogue, "problems", parse_one(problem)),
        optimizer=resolve(catalogue, "optimizers", parse_one("still")),
    )


def made(folder: Path, initializer=INITIALIZER):
    """Return a catalogue of two files, one of which has the other's initializer."""
    folder.mkdir()
    (folder / "nets_of_jobs.py").write_text(PLUGIN)
    (folder / "levels_of_jobs.py").write_text(initializer)
    return load_catalogue(plugin_files=sorted(folder.glob("*.py")), only=[])


def test_a_child_gets_the_initializer_itself_with_its_options(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_announced", [])  # what the job tells stays with this test
    catalogue = made(tmp_path / "plugins")
    trial = spec(catalogue, 'net(weights="level(height=2)")')
    job = JobFactory(catalogue, machine="m").job(trial, "time", tmp_path, None)
    sent = Job.from_json(json.loads(json.dumps(job.to_json())))
    assert sent == job
    assert trial.problem.options == {"weights": "levels-of-jobs/level(height=2.0)"}
    point = build(sent).problem.start(lambda *_: None)
    assert torch.equal(point.parameters, torch.full((3,), 2.0, dtype=torch.float64))


def test_a_result_depends_on_the_initializers_source(tmp_path):
    plain = made(tmp_path / "plain")
    edited = made(tmp_path / "edited", INITIALIZER + "\n# edited\n")
    keys = [JobFactory(item, machine="m").key(spec(item, "net"), "time") for item in (plain, edited)]
    assert keys[0].id == keys[1].id
    assert keys[0] != keys[1]


def test_files_are_imported_in_children_only(tmp_path):
    catalogue = made(tmp_path / "plugins")
    assert modules(catalogue, [spec(catalogue, "net")]) == ()

"""What a child is told: factories in place of the initializers that a problem's options name."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from optbench.api import datasets
from optbench.measure.factories import build
from optbench.records import Call, Job, TrialSpec, parse_one
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

class Still:
    def init(self, oracle, start):
        raise NotImplementedError

    def step(self, oracle, state):
        raise NotImplementedError

@hookimpl
def optbench_problems():
    weights = Option(default="level", doc="", plugins="initializers")
    yield ProblemPlugin(name="net", factory=f"{__name__}:Problem", summary="", options={"weights": weights})

@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(name="still", factory=f"{__name__}:Still", summary="")
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

DATA = """
from optbench.api import DataSetPlugin, Option, hookimpl

@hookimpl
def optbench_datasets():
    options = {"n": Option(default=2, doc="")}
    stated = {"summary": "", "licence": "", "source": ""}
    yield DataSetPlugin(name="ramp", factory=f"{__name__}:ramp", options=options, **stated)
    path = {"path": Option(default="", doc="")}
    yield DataSetPlugin(name="own", factory=f"{__name__}:own", options=path, inputs=("path",), **stated)
"""


def spec(catalogue, problem):
    return TrialSpec(
        problem=resolve(catalogue, "problems", parse_one(problem)),
        optimizer=resolve(catalogue, "optimizers", parse_one("still")),
    )


def made(folder: Path, named=INITIALIZER, nets=PLUGIN):
    """Return a catalogue of two files, one of which has what the other's option names."""
    folder.mkdir()
    (folder / "nets_of_jobs.py").write_text(nets)
    (folder / "levels_of_jobs.py").write_text(named)
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


def test_a_data_set_is_loaded_by_its_whole_name_and_its_source_counts(tmp_path):
    nets = PLUGIN.replace('"initializers"', '"data-sets"').replace('"level"', '"ramp"')
    plain = made(tmp_path / "plain", DATA, nets)
    edited = made(tmp_path / "edited", DATA + "# edited", nets)
    job = JobFactory(plain, machine="m").job(spec(plain, "net"), "time", tmp_path, None)
    text = "levels-of-jobs/ramp(n=2)"
    assert job.spec.problem.options == {"weights": text}
    assert job.named_factories == {"weights": ("optbench.api.datasets:load_dataset", {"text": text})}
    keys = [JobFactory(item, machine="m").key(spec(item, "net"), "time") for item in (plain, edited)]
    assert keys[0].id == keys[1].id
    assert keys[0] != keys[1]


def test_a_result_depends_on_what_the_users_file_holds(tmp_path):
    nets = PLUGIN.replace('"initializers"', '"data-sets"').replace('"level"', '"ramp"')
    catalogue, file = made(tmp_path / "plugins", DATA, nets), tmp_path / "mine"
    trial = spec(catalogue, str(Call("net", {"weights": str(Call("own", {"path": str(file)}))})))
    keys = [JobFactory(catalogue, machine="m").key(trial, "time")]  # there is no file yet
    for content in ("1", "22", "1"):
        file.write_text(content)
        keys.append(JobFactory(catalogue, machine="m").key(trial, "time"))
    assert keys[1] == keys[3]
    assert len(set(keys)) == 3


def test_a_result_depends_on_the_initializers_source(tmp_path):
    plain = made(tmp_path / "plain")
    edited = made(tmp_path / "edited", INITIALIZER + "\n# edited\n")
    keys = [JobFactory(item, machine="m").key(spec(item, "net"), "time") for item in (plain, edited)]
    assert keys[0].id == keys[1].id
    assert keys[0] != keys[1]


def test_files_are_imported_in_children_only(tmp_path):
    catalogue = made(tmp_path / "plugins")
    assert modules(catalogue, [spec(catalogue, "net")]) == ()

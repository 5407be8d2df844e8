"""FitNets: a teacher's middle layer is regressed by a student's, staged or beside the task."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_meta.batch_norm import batch_norm
from optbench_meta.distilling import StudentLoss
from optbench_meta.hints import Hints
from optbench_meta.skip_connections import SkipConnections
from torch import nn

from optbench.api import Block, Point, Refused, SupervisedProblem
from tests.plugins.meta.staging import OPTIMIZER, net, recipe_of, run, streams, tensor

DEFAULTS: dict[str, Any] = {
    "mode": "staged",
    "kd": False,
    "temperature": 3.0,
    "kd_weight": 1.0,
    "hint_weight": 1.0,
    "width": 3,
    "layers": 2,
    "hint": 0,
    "guided": 0,
    "share": 0.25,
    "hint_share": 0.25,
}


def hinted(problem: Any, **options: Any) -> Any:
    return Hints(**DEFAULTS | options)(recipe_of(problem), streams).stages


def blocks_of(point: Any) -> set[str]:
    return {name.partition(".")[0] for name in point.layout}


def dense(point: Any, names: list[str], inputs: torch.Tensor) -> torch.Tensor:
    """Return what tanh layers make of inputs."""
    for name in names:
        inputs = (inputs @ tensor(point, f"{name}.weight").T + tensor(point, f"{name}.bias")).tanh()
    return inputs


def linear(point: Any, name: str, inputs: torch.Tensor) -> torch.Tensor:
    return inputs @ tensor(point, f"{name}.weight").T + tensor(point, f"{name}.bias")


def test_the_teacher_is_wide_and_shallow_and_comes_before_the_task() -> None:
    teacher, hints, main = hinted(net(5, 5, 5, 5, 5))

    shapes = {name: shape for name, (_, shape) in teacher.problem.layout.items() if name.endswith("weight")}
    assert shapes == {
        "teacher-hidden1.weight": (15, 4),
        "teacher-hidden2.weight": (15, 15),
        "teacher-output.weight": (3, 15),
    }
    assert [(stage.name, stage.prior, stage.on_curve) for stage in (teacher, hints, main)] == [
        ("teacher", True, False),
        ("hints", False, False),
        ("", False, True),
    ]
    assert [stage.share for stage in (teacher, hints, main)] == [0.25, 0.25, 0.5]
    assert all(stage.optimizer is OPTIMIZER for stage in (teacher, hints, main))


def test_staged_the_regressor_exists_in_the_hint_stage_alone() -> None:
    teacher, hints, main = hinted(net(5, 5, 5, 5, 5))
    starts, _ = run((teacher, hints, main))

    assert blocks_of(starts[1]) == {"hidden1", "hidden2", "hidden3", "regressor"}
    assert tensor(starts[1], "regressor.regressor.1.weight").shape == (15, 5)
    assert "regressor" not in blocks_of(starts[0]) | blocks_of(starts[2])
    assert main.problem.layout == net(5, 5, 5, 5, 5).layout
    assert main.judged is None


def test_staged_the_task_starts_from_the_layers_up_to_the_guided_one_parameter_by_parameter() -> None:
    problem = net(5, 5, 5, 5, 5)
    stages = hinted(problem)
    starts, ends = run(stages)
    own = problem.start(streams)

    for name in own.layout:
        source = ends[1] if name.partition(".")[0] in {"hidden1", "hidden2", "hidden3"} else own
        assert torch.equal(tensor(starts[2], name), tensor(source, name)), name
    assert all(
        torch.equal(tensor(starts[1], name), tensor(own, name)) for name in own.layout if name in starts[1].layout
    )


def test_the_hint_stage_regresses_the_teacher_s_middle_layer() -> None:
    stages = hinted(net(5, 5, 5, 5, 5))
    _, ends = run(stages)
    inputs, _ = stages[1].problem.data["train"]

    stages[2].carry(ends[1], stages[2].problem.start(streams))
    hint = dense(ends[0], ["teacher-hidden1"], inputs)
    guided = dense(ends[1], ["hidden1", "hidden2", "hidden3"], inputs)
    regressed = linear(ends[1], "regressor.regressor.1", guided)
    expected = 0.5 * (regressed - hint).square().mean()
    torch.testing.assert_close(stages[1].problem.value(ends[1].parameters), expected, rtol=1e-12, atol=0)


def test_jointly_the_task_the_hints_and_the_distillation_add_up() -> None:
    teacher, main = hinted(net(5, 5, 5), mode="joint", kd=True, kd_weight=0.7, hint_weight=0.3, temperature=2.0)
    _, ends = run((teacher, main))
    inputs, targets = main.problem.data["train"]

    names = ["teacher-hidden1", "teacher-hidden2"]
    taught = linear(ends[0], "teacher-output", dense(ends[0], names, inputs))
    outputs = linear(ends[1], "output", dense(ends[1], ["hidden1", "hidden2", "hidden3"], inputs))
    regressed = linear(ends[1], "regressor.regressor.1", dense(ends[1], ["hidden1", "hidden2"], inputs))
    task = nn.functional.cross_entropy(outputs, targets)
    hints = 0.5 * (regressed - dense(ends[0], ["teacher-hidden1"], inputs)).square().mean()
    soft = (taught / 2.0).softmax(1)
    divergence = (soft * (soft.log() - (outputs / 2.0).log_softmax(1))).sum(1).mean()
    expected = task + 0.3 * hints + 0.7 * 4.0 * divergence
    torch.testing.assert_close(main.problem.value(ends[1].parameters), expected, rtol=1e-12, atol=0)


def test_jointly_what_is_measured_is_the_task_of_the_net_without_the_regressor() -> None:
    problem = net(5, 5, 5)
    teacher, main = hinted(problem, mode="joint")
    _, ends = run((teacher, main))

    assert "regressor" in blocks_of(ends[1])
    point = main.judged.point(ends[1])
    assert main.measured is problem
    assert point.layout == problem.layout
    assert all(torch.equal(tensor(point, name), tensor(ends[1], name)) for name in problem.layout)


def test_the_lower_layers_have_two_objectives_and_the_upper_ones_one() -> None:
    teacher, main = hinted(net(5, 5, 5), mode="joint", hint_weight=1.0)
    _, without = hinted(net(5, 5, 5), mode="joint", hint_weight=0.0)
    run((teacher, main))
    point = main.problem.start(streams)
    gradients = [dict(zip(point.layout, _gradient(stage.problem, point), strict=True)) for stage in (main, without)]

    differ = {name for name in point.layout if not torch.equal(gradients[0][name], gradients[1][name])}
    assert {name.partition(".")[0] for name in differ} == {"hidden1", "hidden2", "regressor"}


def _gradient(problem: SupervisedProblem, point: Any) -> tuple[torch.Tensor, ...]:
    return problem.value_and_gradient_tensors(point.parameters)[1]


def test_the_teacher_s_forward_pass_is_counted() -> None:
    student = 2 * (4 * 5 + 5 * 5 + 5 * 5 + 5 * 3)
    teacher_below, teacher_above = 2 * 4 * 15, 2 * (15 * 15 + 15 * 3)
    _, main = hinted(net(5, 5, 5), mode="joint")
    assert main.problem.forward_flops == student + 2 * 5 * 15 + teacher_below
    _, _, distilled = hinted(net(5, 5, 5), kd=True)
    assert distilled.problem.forward_flops == student + teacher_below + teacher_above


def test_each_example_s_loss_averages_to_the_mean() -> None:
    loss = StudentLoss(
        task=nn.functional.cross_entropy, outputs=(3,), hints=2, hint_weight=0.5, temperature=2.0, kd_weight=0.5
    )
    columns = torch.randn(6, 3 + 2 + 2 + 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    targets = torch.arange(6) % 3

    each = loss(columns, targets, reduction="none")
    assert each.shape == (6,)
    torch.testing.assert_close(each.mean(), loss(columns, targets), rtol=1e-14, atol=0)


def test_convolutions_are_made_wider_and_regressed_place_by_place() -> None:
    def layer(first: int, second: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(first, second, 3, padding="same"), nn.ReLU())

    blocks = [
        Block(name="convolution1", role="hidden", build=lambda: layer(1, 2)),
        Block(name="convolution2", role="hidden", build=lambda: layer(2, 2)),
        Block(name="flatten", role="input", build=nn.Flatten),
        Block(name="output", role="output", build=lambda: nn.Linear(2 * 9, 3)),
    ]
    inputs = torch.zeros(6, 1, 3, 3, dtype=torch.float64)
    targets = torch.arange(6) % 3
    problem = SupervisedProblem(blocks=tuple(blocks), data={"train": (inputs, targets), "test": (inputs, targets)})
    teacher, hints, _ = hinted(problem, guided=1, hint=1)

    assert teacher.problem.layout["teacher-convolution2.0.weight"][1] == (6, 6, 3, 3)
    assert teacher.problem.layout["teacher-output.weight"][1] == (3, 6 * 9)
    assert hints.problem.layout["regressor.regressor.weight"][1] == (6, 2, 1, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"guided": 4}, r"guided=4\) wants so many hidden layers; there are 3"), ({"hint": 3}, "there are 2")],
)
def test_layers_that_are_not_there_are_refused(options: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        hinted(net(5, 5, 5), **options)


def test_probabilities_are_of_classes() -> None:
    problem = net(5, 5, 1, classes=3)
    inputs, targets = problem.data["train"]
    regression = SupervisedProblem(
        blocks=problem.blocks, data={"train": (inputs, targets.double()), "test": (inputs, targets.double())}
    )
    with pytest.raises(Refused, match="the targets are numbers"):
        hinted(regression, kd=True)


def test_layers_that_can_not_be_made_wider_are_refused() -> None:
    problem = net(5, 5)
    blocks = [problem.blocks[0], Block(name="norm", role="hidden", build=lambda: nn.LayerNorm(5)), *problem.blocks[1:]]
    with pytest.raises(Refused, match="not of LayerNorm"):
        hinted(problem.with_blocks(blocks), layers=3)


# ---- of models that other meta-algorithms have changed


def net_of_two_modules(*hidden: int) -> SupervisedProblem:
    """Return `net` with each hidden block as a layer and an activation."""
    widths = [4, *hidden]

    def block(k: int) -> Block:
        stack = lambda: nn.Sequential(nn.Linear(widths[k], widths[k + 1]), nn.Tanh())  # noqa: E731
        return Block(name=f"hidden{k + 1}", role="hidden", build=stack)

    problem = net(*hidden)
    return problem.with_blocks([*map(block, range(len(hidden))), problem.blocks[-1]])


def normalised(problem: Any, placement: Any) -> Any:
    change = batch_norm(
        variant="normalise",
        placement=placement,
        layers=[],
        momentum=0.1,
        eps=1e-8,
        affine=True,
        per_location=False,
        penalty=0.1,
    )
    return change(recipe_of(problem), streams)


def by_statistics(outputs: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    return (outputs - mean) / (variance + 1e-8).sqrt()


def test_a_normalised_student_has_a_normalised_teacher_as_wide_as_its_layers() -> None:
    teacher, hints, main = Hints(**DEFAULTS)(normalised(net_of_two_modules(5, 5, 5), "XW"), streams).stages
    shapes = {name: shape for name, (_, shape) in teacher.problem.layout.items()}
    assert shapes["teacher-hidden1.0.weight"] == (15, 4)
    assert shapes["teacher-hidden2.0.normalisation.weight"] == (15,)
    assert "teacher-hidden1.0.bias" not in shapes
    assert "regressor.regressor.1.weight" in hints.problem.layout
    assert set(main.problem.statistics_layout) == {
        f"hidden{k}.0.normalisation.running_{what}" for k in (1, 2, 3) for what in ("mean", "var")
    }


def test_where_a_student_s_inputs_are_normalised_its_teacher_s_are() -> None:
    teacher, *_ = Hints(**DEFAULTS)(normalised(net_of_two_modules(5, 5, 5), "X"), streams).stages
    shapes = {name: shape for name, (_, shape) in teacher.problem.layout.items() if "normalisation.weight" in name}
    assert shapes == {"teacher-hidden1.0.normalisation.weight": (4,), "teacher-hidden2.0.normalisation.weight": (15,)}


def test_a_normalised_student_regresses_the_hint_of_its_teacher_s_running_averages() -> None:
    """The student normalises by the batch, the teacher, which is done, by what it has seen."""
    teacher, hints, _ = Hints(**DEFAULTS)(normalised(net_of_two_modules(5, 5, 5), "XW"), streams).stages
    seen = torch.rand(60, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.5  # μ and v of 15 + 15
    taught = Point(parameters=teacher.problem.start(streams).parameters, statistics=seen, layout=teacher.problem.layout)
    start = hints.carry(taught, hints.problem.start(streams))
    inputs, _ = hints.problem.data["train"]

    outputs = inputs @ tensor(taught, "teacher-hidden1.0.weight").T
    hint = by_statistics(outputs, seen[:15], seen[15:30]).tanh()
    guided = inputs
    for name in ("hidden1", "hidden2"):
        outputs = guided @ tensor(start, f"{name}.0.weight").T
        guided = by_statistics(outputs, outputs.mean(0), outputs.var(0, correction=0)).tanh()
    expected = 0.5 * (linear(start, "regressor.regressor.1", guided) - hint).square().mean()
    torch.testing.assert_close(hints.problem.value(start.parameters), expected, rtol=1e-12, atol=0)


def test_the_hint_stage_hands_on_the_running_averages_of_the_layers_that_it_trained() -> None:
    teacher, hints, main = Hints(**DEFAULTS)(normalised(net_of_two_modules(5, 5, 5), "XW"), streams).stages
    fresh = main.problem.start(streams)
    hints.carry(teacher.problem.start(streams), hints.problem.start(streams))
    learned = torch.arange(20, dtype=torch.float64)  # of hidden1 and hidden2
    ended = Point(parameters=hints.problem.start(streams).parameters, statistics=learned, layout=hints.problem.layout)
    start = main.carry(ended, fresh)
    assert torch.equal(start.statistics[:20], learned)
    assert torch.equal(start.statistics[20:], fresh.statistics[20:])


@pytest.mark.parametrize("options", [{}, {"mode": "joint"}, {"kd": True}])
def test_a_student_with_connections_past_its_blocks_has_a_teacher_with_them(options: Any) -> None:
    recipe = SkipConnections(span=1, projection=False)(recipe_of(net_of_two_modules(5, 5, 5)), streams)
    teacher, *_ = Hints(**DEFAULTS | options)(recipe, streams).stages
    point = teacher.problem.start(streams)
    inputs, targets = teacher.problem.data["train"]

    hidden = linear(point, "teacher-hidden1.0", inputs).tanh()
    hidden = hidden + linear(point, "teacher-hidden2.0", hidden).tanh()  # the first one changes the shape
    expected = nn.functional.cross_entropy(linear(point, "teacher-output", hidden), targets)
    torch.testing.assert_close(teacher.problem.value(point.parameters), expected, rtol=1e-12, atol=0)

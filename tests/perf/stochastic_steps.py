"""What a step of a stochastic method costs beside a plain PyTorch loop: on the clock and in wall time.

`python tests/perf/stochastic_steps.py` trains a 784-100-100-10 net in float32 on random data of MNIST's shape,
minibatches of 128, one thread. Trials of a few hundred steps take turns with three loops, which are written out here,
independent of optbench, draw the same minibatches and clear gradients, go forward, backward and update:
- "torch": the class of torch.optim;
- "by hand": the method's update written out;
- "same gather": the same, with minibatches gathered by index_select, as optbench does, and not by images[batch].

Printed are differences of the tenth and of the fiftieth percentile of a step, the first steps of a trial left out: on a
busy machine the lower one is what a step takes when it is left alone. The drawing of indices is not within a plain
loop's time on the clock, for it is off optbench's clock; it is within both wall times.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from optbench_stochastic import optbench_optimizers
from torch import Tensor

from optbench.api import Block, Recipe, Stage, Streams, SupervisedProblem
from optbench.api.sampling import Sampling, reshuffled
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.factories import build_optimizer
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget

BLOCKS, STEPS, WARM = 10, 250, 20  # of the steps of a trial the first ones warm it up
EXAMPLES, WIDTHS, BATCH = 10_000, (784, 100, 100, 10), 128
LR = 1e-3

Seconds = tuple[list[float], list[float]]  # of each step: on the clock, and wall time from one to the next
Update = Callable[[list[torch.nn.Parameter], list[dict[str, Tensor]], int], None]


def sgd(parameters: list[torch.nn.Parameter], states: list[dict[str, Tensor]], step: int) -> None:
    """θ ← θ − ε g."""
    for parameter in parameters:
        parameter.sub_(parameter.grad, alpha=LR)


def momentum(parameters: list[torch.nn.Parameter], states: list[dict[str, Tensor]], step: int) -> None:
    """v ← 0.9 v + g, θ ← θ − ε v."""
    for parameter, state in zip(parameters, states, strict=True):
        velocity = state.get("velocity")
        velocity = parameter.grad.clone() if velocity is None else velocity.mul_(0.9).add_(parameter.grad)
        state["velocity"] = velocity
        parameter.sub_(velocity, alpha=LR)


def adagrad(parameters: list[torch.nn.Parameter], states: list[dict[str, Tensor]], step: int) -> None:
    """s ← s + g², θ ← θ − ε g / (√s + 10⁻¹⁰)."""
    for parameter, state in zip(parameters, states, strict=True):
        total = state.setdefault("total", torch.zeros_like(parameter))
        total.addcmul_(parameter.grad, parameter.grad)
        parameter.addcdiv_(parameter.grad, total.sqrt().add_(1e-10), value=-LR)


def rmsprop(parameters: list[torch.nn.Parameter], states: list[dict[str, Tensor]], step: int) -> None:
    """s ← 0.99 s + 0.01 g², θ ← θ − ε g / (√s + 10⁻⁸)."""
    for parameter, state in zip(parameters, states, strict=True):
        mean = state.setdefault("mean", torch.zeros_like(parameter))
        mean.mul_(0.99).addcmul_(parameter.grad, parameter.grad, value=0.01)
        parameter.addcdiv_(parameter.grad, mean.sqrt().add_(1e-8), value=-LR)


def adam(parameters: list[torch.nn.Parameter], states: list[dict[str, Tensor]], step: int) -> None:
    """m ← 0.9 m + 0.1 g, s ← 0.999 s + 0.001 g², θ ← θ − ε m̂ / (√ŝ + 10⁻⁸), both corrected for their start."""
    for parameter, state in zip(parameters, states, strict=True):
        mean = state.setdefault("mean", torch.zeros_like(parameter))
        square = state.setdefault("square", torch.zeros_like(parameter))
        mean.lerp_(parameter.grad, 0.1)
        square.mul_(0.999).addcmul_(parameter.grad, parameter.grad, value=0.001)
        root = square.sqrt().div_((1 - 0.999**step) ** 0.5).add_(1e-8)
        parameter.addcdiv_(mean, root, value=-LR / (1 - 0.9**step))


METHODS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, float], Update]] = {
    "sgd": (torch.optim.SGD, {}, sgd),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}, momentum),
    "adagrad": (torch.optim.Adagrad, {}, adagrad),
    "rmsprop": (torch.optim.RMSprop, {}, rmsprop),
    "adam": (torch.optim.Adam, {}, adam),
}


NAMES = {"momentum": "sgd"}  # by which a method is registered, where it is another one


def data() -> tuple[Tensor, Tensor]:
    """Return random images and classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(EXAMPLES, WIDTHS[0], generator=generator)
    return images, torch.randint(WIDTHS[-1], (EXAMPLES,), generator=generator)


def net() -> torch.nn.Sequential:
    """Return the plain net."""
    layers: list[torch.nn.Module] = []
    for width, following in itertools.pairwise(WIDTHS):
        layers += [torch.nn.Linear(width, following), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def batches() -> Iterator[Tensor]:
    """Yield the indices of minibatches, reshuffled each epoch."""
    generator = torch.Generator().manual_seed(1)
    while True:
        yield from torch.randperm(EXAMPLES, generator=generator).split(BATCH)


def with_torch(images: Tensor, classes: Tensor, method: str) -> Seconds:
    """Return the seconds of the loop around torch.optim's class."""
    model = net()
    cls, options, _ = METHODS[method]
    optimizer = cls(model.parameters(), lr=LR, **options)

    def step(batch: Tensor, _: int) -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images[batch]), classes[batch]).backward()
        optimizer.step()

    return timed(step)


def by_hand(images: Tensor, classes: Tensor, method: str) -> Seconds:
    """Return the seconds of the loop with the update written out."""
    model, update = net(), METHODS[method][2]
    parameters = list(model.parameters())
    states: list[dict[str, Tensor]] = [{} for _ in parameters]

    def step(batch: Tensor, number: int) -> None:
        for parameter in parameters:
            parameter.grad = None
        torch.nn.functional.cross_entropy(model(images[batch]), classes[batch]).backward()
        with torch.no_grad():
            update(parameters, states, number)

    return timed(step)


def same_gather(images: Tensor, classes: Tensor, method: str) -> Seconds:
    """Return the seconds of the same loop with the faster gather."""
    model, update = net(), METHODS[method][2]
    parameters = list(model.parameters())
    states: list[dict[str, Tensor]] = [{} for _ in parameters]

    def step(batch: Tensor, number: int) -> None:
        for parameter in parameters:
            parameter.grad = None
        inputs, targets = images.index_select(0, batch), classes.index_select(0, batch)
        torch.nn.functional.cross_entropy(model(inputs), targets).backward()
        with torch.no_grad():
            update(parameters, states, number)

    return timed(step)


def timed(step: Callable[[Tensor, int], None]) -> Seconds:
    """Return the seconds within steps, and from one to the next, the drawing of minibatches included."""
    within, entered = [], []
    drawn = batches()
    for number in range(1, STEPS + 1):
        batch = next(drawn)
        entered.append(time.perf_counter())
        step(batch, number)
        within.append(time.perf_counter() - entered[-1])
    return within[WARM:-1], differences(entered)


def differences(moments: list[float]) -> list[float]:
    """Return what passes from one moment to the next, without the first ones."""
    return [later - earlier for earlier, later in itertools.pairwise(moments)][WARM:]


def noted(moments: list[float]) -> Sampling:
    """Return the usual sampling, which notes when each minibatch is drawn: off the clock, once a step."""

    def drawn(streams: Streams, examples: int, batch_size: int) -> Iterator[Tensor]:
        for batch in reshuffled(streams, examples, batch_size):
            moments.append(time.perf_counter())
            yield batch

    return drawn


def problem(images: Tensor, classes: Tensor) -> SupervisedProblem:
    """Return the same task as a problem."""

    def hidden(width: int, following: int) -> Callable[[], torch.nn.Module]:
        return lambda: torch.nn.Sequential(torch.nn.Linear(width, following), torch.nn.ReLU())

    blocks = [
        Block(name=f"hidden{index}", role="hidden", build=hidden(width, following))
        for index, (width, following) in enumerate(itertools.pairwise(WIDTHS[:-1]))
    ]
    output = Block(name="output", role="output", build=lambda: torch.nn.Linear(*WIDTHS[-2:]))
    return SupervisedProblem(blocks=(*blocks, output), data={"train": (images, classes)}, batch_size=BATCH)


def harnessed(task: SupervisedProblem, method: str) -> Seconds:
    """Return the seconds of a trial's steps on the clock, from one evaluation's end to the next, and in wall time."""
    optimizer, moments = registered(method), list[float]()
    task = task.with_sampling(noted(moments))
    log = EventLog(capacity=10 * STEPS)
    scalars, spool = HostScalars(log, Thresholds(), keep_best=False), SnapshotSpool(None, 8 * task.size)
    spool.schedule.advance(10 * STEPS)
    loop = TrialLoop(
        Recipe(stages=(Stage(problem=task, optimizer=optimizer),)),
        Place(torch.device("cpu"), torch.float32, SeededStreams(0)),
        Books(Ledger(), log, scalars, scalars),
        Budget(steps=STEPS),
        spool,
        optimizer,
    )
    loop.run()
    return differences(list(log.trace()["seconds"])), differences(moments)


def registered(method: str) -> Any:
    """Return the optimizer as a user gets it, with the options that the plain loops have and defaults otherwise."""
    record = next(record for record in optbench_optimizers() if record.name == NAMES.get(method, method))
    defaults = {name: option.default for name, option in record.options.items()}
    return build_optimizer(record.factory, {**defaults, "lr": LR, **METHODS[method][1]})


def compare(method: str, images: Tensor, classes: Tensor, task: SupervisedProblem) -> None:
    """Print the differences of one method."""
    loops: dict[str, Callable[[], Seconds]] = {
        "optbench": lambda: harnessed(task, method),
        "torch": lambda: with_torch(images, classes, method),
        "by hand": lambda: by_hand(images, classes, method),
        "same gather": lambda: same_gather(images, classes, method),
    }
    seconds: dict[str, list[Seconds]] = {name: [] for name in loops}
    for block in range(BLOCKS + 1):  # the first warms up
        for name, loop in loops.items() if block % 2 else reversed(loops.items()):
            seconds[name].append(loop())
    for name in ("torch", "by hand", "same gather"):
        for index, what in enumerate(("on the clock", "wall time")):
            ours, plain = (np.concatenate([block[index] for block in seconds[of][1:]]) for of in ("optbench", name))
            show(f"{method} beside {name}, {what}", 1e6 * ours, 1e6 * plain)


def show(what: str, ours: Any, plain: Any) -> None:
    """Print how much more a step takes, by two percentiles: microseconds and per cent."""
    print(f"{what:40s}", end="")
    for share in (10, 50):
        base = float(np.percentile(plain, share))
        more = float(np.percentile(ours, share)) - base
        print(f"  {share} %: {base:7.1f} µs {more:+7.1f} µs {100 * more / base:+5.1f} %", end="")
    print(flush=True)


def main() -> None:
    """Compare each method."""
    torch.set_num_threads(1)
    images, classes = data()
    task = problem(images, classes)
    for method in sys.argv[1:] or METHODS:
        compare(method, images, classes, task)


if __name__ == "__main__":
    main()

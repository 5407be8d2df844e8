"""Learning problems on real data, convex ones with certified minima and a multilayer perceptron, and their metrics."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetricPlugin, Option, ProblemPlugin, hookimpl

PROBLEMS = "optbench_learning.problems"
METRICS = "optbench_learning.metrics"
DIGITS = "Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998"
BREAST_CANCER = "Wolberg, Mangasarian, Street: Breast cancer Wisconsin (diagnostic), UCI, 1995"


def _batch_size(default: int) -> Option:
    return Option(default=default, doc="examples of a minibatch; 0: all of them, every time", low=0)


def _strong_l2() -> Option:
    return Option(default=1e-3, doc="penalty ½ l2 ‖θ‖² on all parameters, intercepts too", low=1e-8)


@hookimpl
def optbench_problems() -> Iterator[ProblemPlugin]:
    """Yield the problems; every fourth example is for testing."""
    yield ProblemPlugin(
        name="logistic-breast-cancer",
        factory=f"{PROBLEMS}:logistic_breast_cancer",
        summary="Logistic regression, 427 training examples of 30 standardised features, 31 parameters.",
        options={"l2": _strong_l2(), "batch_size": _batch_size(0)},
        cite=BREAST_CANCER,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
    )
    yield ProblemPlugin(
        name="softmax-digits",
        factory=f"{PROBLEMS}:softmax_digits",
        summary="Softmax regression, 1348 training images of 8 × 8 standardised pixels, 650 parameters.",
        options={"l2": _strong_l2(), "batch_size": _batch_size(0)},
        cite=DIGITS,
        gives=frozenset({"data", "minibatches"}),
        kind="convex",
    )
    yield ProblemPlugin(
        name="mlp-digits",
        factory=f"{PROBLEMS}:mlp_digits",
        summary="A multilayer perceptron on 1348 training images of 8 × 8 pixels.",
        options={
            "hidden": Option(default=[32], doc="widths of the hidden layers"),
            "activation": Option(default="relu", doc="of the hidden layers", choices=("relu", "tanh", "sigmoid")),
            "l2": Option(default=0.0, doc="penalty ½ l2 ‖weights‖², biases left out", low=0.0),
            "batch_size": _batch_size(64),
        },
        cite=DIGITS,
        gives=frozenset({"blocks", "model", "data", "minibatches"}),
        kind="learning",
    )


@hookimpl
def optbench_metrics() -> Iterator[MetricPlugin]:
    """Yield what can be measured on snapshots."""
    yield MetricPlugin(name="f", factory=f"{METRICS}:full_objective", summary="The objective over all examples.")
    yield MetricPlugin(
        name="gradient-norm", factory=f"{METRICS}:gradient_norm", summary="Largest entry of the full gradient."
    )
    for split, examples in (("train", "training"), ("test", "test")):
        yield MetricPlugin(
            name=f"{split}-loss",
            factory=f"{METRICS}:{split}_loss",
            summary=f"Mean loss on the {examples} examples, without penalty.",
        )
        yield MetricPlugin(
            name=f"{split}-accuracy",
            factory=f"{METRICS}:{split}_accuracy",
            summary=f"Share of the {examples} examples that are classified right.",
        )

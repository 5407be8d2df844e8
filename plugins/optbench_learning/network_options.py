"""The options that problems with nets share, and what all of their records say. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import Evaluation, Feature, Option, ProblemPlugin

FACTORIES = "optbench_learning.network_problems"
EVALUATIONS: frozenset[Evaluation] = frozenset(
    {"value", "gradient", "hessian_vector", "gauss_newton_vector", "hessian"}
)
# Without it, rectifiers stand exactly at their kink wherever a picture is black (Goodfellow et al., 2016, 8.4).
POSITIVE = "constant(value=0.1)"
ACTIVATIONS = ("relu", "tanh", "sigmoid", "maxout")


def net(
    name: str,
    summary: str,
    options: Mapping[str, Option],
    *,
    cite: str,
    requires: Mapping[str, str] | None = None,
    small: Mapping[str, Any] | None = None,
    graded: bool = False,
) -> ProblemPlugin:
    """Return a record whose factory has the problem's name; `graded` where its examples have a difficulty."""
    gives: frozenset[Feature] = frozenset({"blocks", "model", "data", "minibatches"})
    return ProblemPlugin(
        name=name,
        factory=f"{FACTORIES}:{name.replace('-', '_')}",
        summary=summary,
        options=options,
        cite=cite,
        requires=requires or {},
        evaluations=EVALUATIONS,
        gives=gives | {"difficulty"} if graded else gives,
        kind="learning",
        small=small or {},
    )


def count(default: int, doc: str, *, high: int | None = None) -> Option:
    """Return an option that is 1 or more."""
    return Option(default=default, doc=doc, low=1, high=high)


def hidden(widths: list[int]) -> dict[str, Option]:
    """Return what says how the hidden layers are."""
    return {
        "hidden": Option(default=widths, doc="widths of the hidden layers", low=1),
        "depth": count(1, "how many times these hidden layers follow one another", high=100),
    }


def cell(widths: list[int]) -> dict[str, Option]:
    """Return what says how the recurrent layers are."""
    doc = "recurrent layers: plain, long short-term memory or gated recurrent units"
    return {"cell": Option(default="lstm", doc=doc, choices=("rnn", "lstm", "gru")), **hidden(widths)}


def mixed() -> dict[str, Option]:
    """Return what says how difficult the training examples are."""
    return {"mixed": Option(default=True, doc="training examples of all difficulties; false: of the hardest alone")}


def examples(default: int, *, low: int = 0) -> dict[str, Option]:
    """Return how many examples there are; with `low`, generated ones."""
    doc = (
        "training examples"
        if low
        else "training examples, the first ones, and no more to validate and to test; 0: all that there are"
    )
    return {"examples": Option(default=default, doc=doc, low=low)}


def classes() -> dict[str, Option]:
    """Return which classes are learnt."""
    doc = "those to be told apart, from 0; the others, with all their examples, are the task that transfer begins with"
    return {"classes": Option(default=[], doc=f"{doc}; []: all")}


def units(default: int) -> dict[str, Option]:
    """Return what says how the residual units are."""
    return {
        "units": count(default, "of two layers each", high=100),
        "skip": Option(default=True, doc="whether a unit's input is added to its output; false: the plain net"),
    }


def channels(default: list[int]) -> dict[str, Option]:
    """Return how wide the convolutions are."""
    return {"channels": Option(default=default, doc="of the convolutions, each of which halves the picture", low=1)}


def code(widths: list[int], middle: int) -> dict[str, Option]:
    """Return how wide the layers of an autoencoder are."""
    return {
        "hidden": Option(default=widths, doc="widths of the encoder's layers; the decoder has them backwards", low=1),
        "code": Option(default=middle, doc="width of the linear layer in the middle", low=1),
    }


def activation(name: str) -> dict[str, Option]:
    """Return what the activation is."""
    return {
        "activation": Option(default=name, doc="of the hidden layers", choices=ACTIVATIONS),
        "pieces": Option(default=2, doc="of which maxout takes the largest", low=2, high=100),
    }


def training(batch_size: int, weights: str = "glorot-uniform", biases: str = "zero") -> dict[str, Option]:
    """Return what says how a net is trained, and how it starts."""
    return {
        "l2": Option(default=0.0, doc="penalty ½ l2 ‖weights‖², biases left out", low=0.0),
        "batch_size": Option(default=batch_size, doc="examples of a minibatch; 0: all of them, every time", low=0),
        "sampling": Option(
            default="without-replacement",
            doc="of minibatches: each epoch a new order, or each example from all of them",
            choices=("without-replacement", "with-replacement"),
        ),
        "weights": Option(default=weights, doc="the initializer of the weights", plugins="initializers"),
        "biases": Option(default=biases, doc="the initializer of the biases", plugins="initializers"),
    }


def chosen(data: str) -> dict[str, Option]:
    """Return which data set is learnt, and in what form the net takes it."""
    return {
        "data": Option(default=data, doc="what is learnt: classes, or numbers", plugins="data-sets"),
        "shape": Option(default=[], doc="of one input: [h, w] or [channels, h, w] for pictures; []: as it comes"),
        "scaling": Option(
            default="auto",
            doc="of inputs: 0..255 to 0..1; to mean 0, variance 1; none; auto: the first for bytes, else the second",
            choices=("auto", "unit", "standardised", "none"),
        ),
    }

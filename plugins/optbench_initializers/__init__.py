"""Initializers of weights and biases. A unit has m inputs and a layer n outputs, at each place of a filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optbench.api import InitializerPlugin, Option, hookimpl

WEIGHTS = "optbench_initializers.weights"
DATA = "optbench_initializers.data_dependent"
BIASES = "optbench_initializers.biases"


@hookimpl
def optbench_initializers() -> Iterator[InitializerPlugin]:
    """Yield the initializers: of weights, which are tensors of two dimensions or more, then of biases."""
    yield from _distributions()
    yield _sparse()
    yield _data_dependent()
    yield from _of_biases()


def _distributions() -> Iterator[InitializerPlugin]:
    yield _named("uniform-fan-in", "Weights from U(−1/√m, 1/√m).", cite="Goodfellow et al., Deep Learning (2016), 8.4")
    yield _named(
        "glorot-uniform",
        "Weights from U(−√(6/(m + n)), √(6/(m + n))).",
        cite="Glorot, Bengio: Understanding the difficulty of training deep feedforward nets, AISTATS (2010)",
    )
    yield _named(
        "he",
        "Weights from N(0, 2/m), or uniform ones of that variance.",
        {"distribution": Option(default="normal", doc="of the weights", choices=("normal", "uniform"))},
        cite="He, Zhang, Ren, Sun: Delving deep into rectifiers, ICCV (2015)",
    )
    yield _named(
        "gaussian",
        "Weights or biases from N(0, std²).",
        {"std": Option(default=0.1, doc="standard deviation", low=0.0)},
    )
    yield _named(
        "constant",
        "All alike: weights that show that units which start alike stay alike, or biases.",
        {"value": Option(default=0.1, doc="of each entry")},
    )
    yield _named(
        "orthogonal",
        "Weights with orthogonal rows, or columns where there are more rows than columns.",
        {"gain": Option(default=1.0, doc="length of the rows or columns", low=0.0)},
        cite="Saxe, McClelland, Ganguli: Exact solutions to the nonlinear dynamics of learning, ICLR (2014)",
    )


def _sparse() -> InitializerPlugin:
    return _named(
        "sparse",
        "Exactly k weights of each unit are not zero, drawn from N(0, std²).",
        {
            "k": Option(default=15, doc="non-zero weights of a unit; of fewer inputs, all are", low=1),
            "std": Option(default=1.0, doc="their standard deviation", low=0.0),
        },
        cite="Martens: Deep learning via Hessian-free optimization, ICML (2010)",
    )


def _data_dependent() -> InitializerPlugin:
    return InitializerPlugin(
        name="data-dependent",
        factory=f"{DATA}:DataDependent",
        summary="Orthogonal weights, scaled layer by layer until a minibatch's outputs have the right spread.",
        options={
            "spread": Option(default=1.0, doc="standard deviation of a layer's outputs, before activation", low=1e-8),
            "tolerance": Option(default=0.1, doc="allowed departure of the spread", low=1e-8),
            "lower": Option(default=True, doc="also lower what is too large, as LSUV does; false: only raise"),
            "attempts": Option(default=10, doc="scalings of a layer at most", low=1),
        },
        cite="Mishkin, Matas: All you need is a good init, ICLR (2016); Goodfellow et al., Deep Learning (2016), 8.4",
    )


def _of_biases() -> Iterator[InitializerPlugin]:
    yield InitializerPlugin(name="zero", factory=f"{BIASES}:zero", summary="Zeros.")
    yield InitializerPlugin(
        name="output-prior",
        factory=f"{BIASES}:OutputPrior",
        summary="Output biases whose softmax is the frequencies of the training classes; others zero.",
        cite="Goodfellow et al., Deep Learning (2016), 8.4",
    )
    yield InitializerPlugin(
        name="gate",
        factory=f"{BIASES}:Gate",
        summary="The biases of an LSTM's forget gates are c, others zero.",
        options={"c": Option(default=1.0, doc="bias of the forget gates")},
        cite="Jozefowicz, Zaremba, Sutskever: An empirical exploration of recurrent network architectures, ICML (2015)",
    )


def _named(
    name: str, summary: str, options: Mapping[str, Option] | None = None, *, cite: str = ""
) -> InitializerPlugin:
    """Return a record whose factory has the initializer's name."""
    factory = f"{WEIGHTS}:{name.replace('-', '_')}"
    return InitializerPlugin(name=name, factory=factory, summary=summary, options=options or {}, cite=cite)

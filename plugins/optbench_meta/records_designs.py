"""Records of the meta-algorithms that change the model."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import Feature, MetaAlgorithmPlugin, Option

_OF_A_MODEL: frozenset[Feature] = frozenset({"blocks", "model", "data"})


def designs() -> Iterator[MetaAlgorithmPlugin]:
    """Yield the models that are designed to aid optimization."""
    yield _batch_norm()
    yield _skip_connections()
    yield _auxiliary_heads()
    yield _activation()


def _batch_norm() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="batch-norm",
        factory="optbench_meta.batch_norm:batch_norm",
        summary="Normalises what hidden layers put out by the statistics of the minibatch, before the nonlinearity; "
        "running averages, of variances the unbiased m/(m-1) ones, take their place after training.",
        options={
            "variant": Option(
                default="normalise",
                doc="reparametrise the model; or, as before: a penalty on the statistics, or put right after each step",
                choices=("normalise", "penalty", "renormalise"),
            ),
            "placement": Option(
                default="XW",
                doc="before the bias, which gives way to the learned shift; a layer's inputs; the network's inputs",
                choices=("XW", "X", "input"),
            ),
            "layers": Option(default=[], doc="blocks whose layers are normalised; none: all hidden ones"),
            "momentum": Option(default=0.1, doc="weight of a new minibatch in the running averages", low=0.0, high=1.0),
            "eps": Option(default=1e-8, doc="what is added to the variance, δ in 8.37", low=0.0),
            "affine": Option(default=True, doc="learn a scale and a shift of what is normalised"),
            "per_location": Option(
                default=False, doc="statistics of each place of a picture, not of a feature map: advised against"
            ),
            "penalty": Option(default=0.1, doc="weight of the penalty, with variant='penalty'", low=0.0),
        },
        needs=_OF_A_MODEL,
        needs_with={"variant": {"renormalise": frozenset({"step-hook", "movable-point"})}},
        cite="Ioffe, Szegedy: Batch normalization, ICML (2015); Goodfellow et al., Deep Learning (2016), section 8.7.1",
    )


def _skip_connections() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="skip-connections",
        factory="optbench_meta.skip_connections:SkipConnections",
        summary="Adds what goes into hidden blocks to what comes out of them: linear paths to the lower layers.",
        options={
            "span": Option(default=1, doc="hidden blocks that a connection passes by", low=1),
            "projection": Option(
                default=False, doc="connect through a learned linear map where shapes differ, instead of not at all"
            ),
        },
        needs=_OF_A_MODEL,
        cite="He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR (2016)",
    )


def _auxiliary_heads() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="auxiliary-heads",
        factory="optbench_meta.auxiliary_heads:AuxiliaryHeads",
        summary="Trains extra copies of the output on hidden blocks for the same task; then they are discarded.",
        options={
            "weight": Option(default=0.3, doc="of each head's loss in the objective", low=0.0),
            "every": Option(default=1, doc="a head after every so many hidden blocks, the last one left out", low=1),
        },
        needs=_OF_A_MODEL,
        cite="Szegedy et al.: Going deeper with convolutions, CVPR (2015); Lee et al.: Deeply-supervised nets (2015)",
    )


def _activation() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="activation",
        factory="optbench_meta.activations:ActivationOfHiddenBlocks",
        summary="Another activation in every hidden block.",
        options={
            "kind": Option(default="relu", doc="the activation", choices=("relu", "maxout", "sigmoid", "tanh")),
            "pieces": Option(default=2, doc="linear pieces of a maxout unit", low=2),
        },
        needs=_OF_A_MODEL,
        cite="Glorot, Bordes, Bengio: Deep sparse rectifier networks (2011); Goodfellow et al.: Maxout networks (2013)",
    )

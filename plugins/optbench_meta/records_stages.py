"""Records of the meta-algorithms that are lists of stages."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetaAlgorithmPlugin, Option


def staged() -> Iterator[MetaAlgorithmPlugin]:
    """Yield what trains other models first."""
    yield _pretrain_greedy()
    yield _pretrain_partial()
    yield _transfer()
    yield _hints()
    yield _path()


def _pretrain_greedy() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="pretrain-greedy",
        factory="optbench_meta.pretrain_greedy:GreedyPretraining",
        summary="Trains the hidden layers one at a time as shallow supervised nets, then all of them jointly.",
        options={
            "share": Option(
                default=0.5, doc="part of the budget for pretraining, the same for each layer", low=0.01, high=0.99
            ),
            "fine_tune": Option(
                default=True, doc="whether all layers are then trained jointly; false: no share is left"
            ),
            "concat_input": Option(
                default=False,
                doc="whether each added layer sees the raw input beside the layer below; dense layers only",
            ),
        },
        needs=frozenset({"blocks"}),
        cite="Bengio, Lamblin, Popovici, Larochelle: Greedy layer-wise training of deep networks, NIPS 2007",
    )


def _pretrain_partial() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="pretrain-partial",
        factory="optbench_meta.pretrain_partial:PartialPretraining",
        summary="Trains a shallower net first; the whole one starts from its first and last layers, the middle random.",
        options={
            "first": Option(default=1, doc="weight layers taken from the beginning of the shallower net", low=0),
            "last": Option(default=1, doc="weight layers taken from its end, the output layer among them", low=0),
            "shallow": Option(
                default=0, doc="weight layers of the shallower net (VGG: 11); 0: as few as fit together", low=0
            ),
            "share": _share("pretraining"),
        },
        needs=frozenset({"blocks"}),
        cite="Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition, ICLR 2015",
    )


def _transfer() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="transfer",
        factory="optbench_meta.transfer:Transfer",
        summary="Trains on another task first; the same net starts the task from its first layers, the rest random.",
        options={
            "k": Option(default=1, doc="weight layers taken over", low=0),
            "share": _share("task A"),
        },
        needs=frozenset({"blocks", "data"}),
        cite="Yosinski, Clune, Bengio, Lipson: How transferable are features in deep neural networks?, NIPS 2014",
    )


def _hints() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="hints",
        factory="optbench_meta.hints:Hints",
        summary="A wide, shallow teacher is trained first; a middle layer of the net regresses its middle layer.",
        options={
            "mode": Option(
                default="staged",
                doc="the regression is a stage of its own before the task, or goes beside the task all the time",
                choices=("staged", "joint"),
            ),
            "kd": Option(default=False, doc="whether the net also learns the teacher's probabilities of classes"),
            "temperature": Option(default=3.0, doc="of these probabilities, τ", low=0.01),
            "kd_weight": Option(default=1.0, doc="of the distillation loss τ² KL beside the task's", low=0.0),
            "hint_weight": Option(
                default=1.0, doc="of half the mean squared error of the hints, mode='joint'", low=0.0
            ),
            "width": Option(default=4, doc="how many times as wide the teacher's layers are", low=1),
            "layers": Option(default=2, doc="hidden weight layers of the teacher, at most", low=1),
            "hint": Option(
                default=0, doc="hidden layer of the teacher that gives the hints, from 1; 0: the middle", low=0
            ),
            "guided": Option(default=0, doc="hidden layer of the net that regresses it, from 1; 0: the middle", low=0),
            "share": Option(default=0.3, doc="part of the budget for the teacher", low=0.01, high=0.5),
            "hint_share": Option(
                default=0.2, doc="part of the budget for the regression, mode='staged'", low=0.01, high=0.49
            ),
        },
        needs=frozenset({"blocks", "data"}),
        cite="Romero, Ballas, Kahou, Chassang, Gatta, Bengio: FitNets: hints for thin deep nets, ICLR 2015",
    )


def _path() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="path",
        factory="optbench_meta.path:Path",
        summary="Solves the problem for other values of one of its options first, each from the solution before.",
        options={
            "option": Option(default="l2", doc="of the problem"),
            "values": Option(default=[1.0, 0.1, 0.01], doc="of that option, in this order; the problem's own is last"),
            "start": Option(
                default="warm",
                doc="each value starts from the solution of the one before, or, cold, where the problem starts",
                choices=("warm", "cold"),
            ),
            "keep_state": Option(default=False, doc="whether the optimizer's state goes on from value to value"),
            "gradient_tolerance": Option(
                default=1e-6,
                doc="of the largest component of the gradient, at which a value is done; 0, and on minibatches: none",
                low=0.0,
            ),
            "share": _share("the values before the problem's own, in equal parts"),
        },
        cite="Friedman, Hastie, Tibshirani: Regularization paths for generalized linear models, JSS 33 (2010)",
    )


def _share(what: str) -> Option:
    return Option(default=0.5, doc=f"part of the budget for {what}", low=0.01, high=0.99)

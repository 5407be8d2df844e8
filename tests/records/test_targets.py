"""Targets have one spelling."""

from __future__ import annotations

import pytest

from optbench.records import Target


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("relative:1e-8", "relative:1e-08"),
        ("absolute:0.0025", "absolute:2.5e-03"),
        ("gradient:1", "gradient:1e+00"),
        ("train-loss<=0.10", "train-loss<=0.1"),
        (" test-accuracy >= 9.5e-1 ", "test-accuracy>=0.95"),
        ("learning/f<=-2.0", "learning/f<=-2"),
        ("f<=1e-8", "f<=1e-08"),
    ],
)
def test_a_target_has_one_spelling(given: str, normal: str) -> None:
    assert str(Target.parse(given)) == normal
    assert Target.parse(normal) == Target.parse(given)


@pytest.mark.parametrize(
    "given", ["", "relative", "relative:0", "relative:nan", "speed:1", "f<0.1", "f<=", "f<=inf", "f==1", "<=1", "f:1"]
)
def test_other_texts_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: .*relative, absolute, gradient.*train-loss<=0.1"):
        Target.parse(given)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("relativ:1e-3", "nearest: relative"),
        ("f<0.1", "a threshold is written with <= or >=: f<=0.1"),
        ("f > 0.1", "f>=0.1"),
        ("f==0.1", "a threshold is written with <= or >=: f<=0.1 or f>=0.1"),
        ("nothing", 'train-loss<=0.1"'),
    ],
)
def test_a_refusal_ends_with_what_was_probably_meant(given: str, hint: str) -> None:
    with pytest.raises(ValueError, match="allowed") as caught:
        Target.parse(given)
    assert str(caught.value).endswith(hint)

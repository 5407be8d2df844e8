"""The grammar of expressions."""

from __future__ import annotations

import pytest

from optbench.records import Call, ExpressionError, parse, parse_one


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("lbfgs", (Call("lbfgs"),)),
        ("quasinewton/lbfgs()", (Call("quasinewton/lbfgs"),)),
        ("adam(lr=0.01, betas=[0.9, 0.99])", (Call("adam", {"lr": 0.01, "betas": [0.9, 0.99]}),)),
        ("a + b(x=1) + c", (Call("a"), Call("b", {"x": 1}), Call("c"))),
        ("a(lr=1e+3) + b", (Call("a", {"lr": 1000.0}), Call("b"))),
        ('a(search="strong-wolfe(c2=0.1) + x")', (Call("a", {"search": "strong-wolfe(c2=0.1) + x"}),)),
        (r'a(t="say \"hi\", (x")', (Call("a", {"t": 'say "hi", (x'}),)),
        ("my.module:Class(lr=1)", (Call("my.module:Class", {"lr": 1}),)),
        ("a(on=true, off=false)", (Call("a", {"on": True, "off": False}),)),
    ],
)
def test_what_is_written_is_read(text, calls):
    assert parse(text) == calls


@pytest.mark.parametrize("text", ["lbfgs(history=10)", 'a(s="x \\"y\\"", l=[1, 2.5, true])', "m:C(k=-3)"])
def test_a_call_s_text_reads_as_the_same_call(text):
    call = parse_one(text)

    assert parse_one(str(call)) == call


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a name"),
        ("a +", "expected a name"),
        ("a(lr=0.1", "balanced brackets"),
        ("a(lr)", "expected 'option=value'"),
        ("a(lr=1, lr=2)", "stands twice"),
        ("a(lr=zero)", "expected a TOML value for 'lr'"),
        ('a(lr="x)', 'a closing "'),
        ("a b", r"expected 'name\(option=value"),
    ],
)
def test_a_mistake_says_what_was_expected(text, message):
    with pytest.raises(ExpressionError, match=message):
        parse(text)


def test_one_name_is_not_two():
    with pytest.raises(ExpressionError, match="found 2 joined by"):
        parse_one("a + b")

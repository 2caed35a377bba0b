"""JMESPath over exact numbers: what is refused before any answer comes, and that no float ever appears."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.sources.expressions import LONGEST, Expression, decode

TREE = decode(
    b'{"a": 0.1, "list": [{"k": "x", "p": 1.10}, {"k": "y", "p": 2}], "text": "0.30",'
    b' "n": null, "t": true, "big": 1e400}'
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", Decimal("0.1")),
        ("nothing.here", None),
        ("n", None),
        ("list[?k=='y'].p | [0]", Decimal(2)),
        ("list[?p > `1.1`].k", ["y"]),
        ("list[?p == `1.1`].k", ["x"]),
        ("sum(list[].p)", Decimal("3.10")),
        ("avg(list[].p)", Decimal("1.55")),
        ("max(list[].p)", Decimal(2)),
        ("max_by(list, &p).k", "y"),
        ("sort_by(list, &p)[0].k", "x"),
        ("to_number(text)", Decimal("0.30")),
        ("to_number('no')", None),
        ("to_number('0x1')", None),
        ("to_number(a)", Decimal("0.1")),
        ("to_number(t)", None),
        ("to_string(a)", "0.1"),
        ("to_string(list[0].k)", "x"),
        ("to_string(list[].k)", '["x","y"]'),
        ("abs(a)", Decimal("0.1")),
        ("type(a)", "number"),
        ("type(n)", "null"),
        ("`0.1`", Decimal("0.1")),
        ("big", "1e400"),
    ],
)
def test_what_it_finds(text: str, found: Any) -> None:
    """Numbers are exact, in the answer and in the expression; a number beyond all prices stays a text."""
    got = Expression(text).search(TREE)
    assert (got, type(got)) == (found, type(found))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("a.", "is not a JMESPath expression: it cannot be read from character 3 on"),
        ("a[", "is not a JMESPath expression: it cannot be read from character 3 on"),
        ("a b", "is not a JMESPath expression: it cannot be read from character 3 on"),
        ("#", "is not a JMESPath expression"),
        ("price(a)", "is not a JMESPath expression: there is no function price()"),
        ("a[?nope(b)]", "is not a JMESPath expression: there is no function nope()"),
        ("length()", "is not a JMESPath expression: length() takes 1, not 0"),
        ("abs(a, a)", "is not a JMESPath expression: abs() takes 1, not 2"),
        ("a" * (LONGEST + 1), "must have at most 500 characters"),
        ("(" * LONGEST, "is not a JMESPath expression"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    """A mistake is found before any answer comes, on one line."""
    with pytest.raises(ValueError) as refused:
        Expression(text)
    assert str(refused.value).startswith(reason)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", ["abs(text)", "sum(list)", "a > text", "join(',', list)", "max([a, text])"])
def test_what_does_not_fit_the_answer(text: str) -> None:
    """An expression that an answer cannot serve is an error that names it, never an accident, and never long."""
    with pytest.raises(ValueError) as misfit:
        Expression(text).search(TREE)
    assert str(misfit.value).startswith(f"{text} does not fit the answer")
    assert len(str(misfit.value)) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b"[NaN]",
        b"[Infinity]",
        b"\xff",
        b"\xef\xbb\xbf[]",
        b'{"a": 1, "a": 2}',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    """Not JSON, a key twice, or deeper than 64."""
    with pytest.raises(ValueError):
        decode(body)


def test_as_deep_as_allowed() -> None:
    """64 levels are fine."""
    assert decode(b"[" * 64 + b"]" * 64)


def _types(tree: Any) -> set[type]:
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return {type(tree)}.union(*map(_types, inside))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_number_is_a_float(tree: Any) -> None:
    """Whatever JSON comes, no float and no int is made of it."""
    import json

    assert not {float, int} & _types(decode(json.dumps(tree).encode()))

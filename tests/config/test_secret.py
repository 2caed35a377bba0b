"""A secret shows itself to nobody but the one who asks for it."""

import copy
import json
import pickle

import msgspec
import pytest

from ticker.config import Secret


def test_only_reveal_gives_the_text():
    """Every way of printing a secret gives stars, inside of other values too."""
    secret = Secret("planted")
    assert secret.reveal() == "planted"
    for text in (repr(secret), str(secret), f"{secret}", f"{secret:>9}", f"{secret!r}", repr([secret])):
        assert "planted" not in text
        assert "***" in text


LEAKS = [json.dumps, msgspec.json.encode, pickle.dumps, copy.copy, vars]


@pytest.mark.parametrize("leak", LEAKS, ids=[f"{one.__module__}.{one.__name__}" for one in LEAKS])
def test_it_cannot_be_written_out(leak):
    """JSON, pickle and a look at its attributes are refused."""
    with pytest.raises(TypeError):
        leak(Secret("planted"))


def test_equality_is_of_the_text():
    """Two secrets are equal when their texts are, and a secret never equals its text."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")

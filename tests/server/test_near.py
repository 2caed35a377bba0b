"""Who is certainly on this machine, and whose word of a reader is believed."""

import pytest

from ticker.server.near import Near

HERE = {"Host": "127.0.0.1:8080"}


@pytest.mark.parametrize(
    ("peer", "headers", "forwarded", "old", "expected"),
    [
        ("127.0.0.1", HERE, [], False, True),
        ("::1", {"Host": "[::1]:8080"}, [], False, True),
        ("::ffff:127.0.0.1", {"Host": "localhost"}, [], False, True),
        ("127.0.0.1", HERE, [], True, False),
        ("127.0.0.1", {"Host": "prices.example"}, [], False, False),
        ("127.0.0.1", {}, [], False, False),
        ("127.0.0.1", HERE, ["203.0.113.9"], False, False),
        ("127.0.0.1", HERE, ["127.0.0.1"], False, False),
        ("127.0.0.1", {**HERE, "Forwarded": "for=1.2.3.4"}, [], False, False),
        ("192.0.2.7", HERE, [], False, False),
        (None, HERE, [], False, False),
        ("10.0.0.5", {"Host": "prices.example"}, ["127.0.0.1"], False, True),
        ("10.0.0.5", {"Host": "prices.example"}, ["203.0.113.9"], False, False),
        ("10.0.0.5", {"Host": "prices.example"}, ["127.0.0.1, 203.0.113.9"], False, False),
        ("10.0.0.5", {"Host": "prices.example"}, ["127.0.0.1, 127.0.0.1"], False, False),
        ("10.0.0.5", {"Host": "prices.example"}, ["garbage"], False, False),
        ("10.0.0.5", HERE, [], False, False),
    ],
)
def test_who_is_here(
    peer: str | None, headers: dict[str, str], forwarded: list[str], old: bool, expected: bool
) -> None:
    """Only what is certain: a loopback connection without a sign of a proxy, or the word of one we trust."""
    assert Near(["10.0.0.0/8"]).is_here(peer, headers, forwarded, old=old) is expected


def test_a_trusted_proxy_on_this_machine() -> None:
    """Its readers are its readers; a program that asks us directly is here."""
    near = Near(["127.0.0.1"])
    assert near.is_here("127.0.0.1", HERE, [], old=False)
    assert not near.is_here("127.0.0.1", HERE, ["203.0.113.9"], old=False)
    assert near.is_here("127.0.0.1", HERE, ["127.0.0.1"], old=False)


def test_whom_we_trust() -> None:
    """Addresses and networks; nothing else is an address."""
    near = Near(["10.0.0.0/8", "2001:db8::1"])
    assert [near.trusts(one) for one in ("10.1.2.3", "2001:db8::1", "11.0.0.1", "x", None)] == [
        True,
        True,
        False,
        False,
        False,
    ]

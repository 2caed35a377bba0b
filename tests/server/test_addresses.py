"""Whose connection it is (trust rule 29: caps per address spare loopback and trusted proxies)."""

import pytest

from ticker.server.addresses import Addresses


@pytest.mark.parametrize(
    ("peer", "forwarded", "reader"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # a stranger says anything
        ("127.0.0.1", [], None),
        ("::1", [], None),
        ("127.0.0.1", ["203.0.113.9"], None),  # this machine is not a proxy unless it is said to be one
        (None, [], None),
        ("10.1.2.3", [], None),
        ("10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),  # the stranger's own header stands left
        ("10.1.2.3", ["1.2.3.4", "203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.1.2.3", ["10.4.4.4"], None),
        ("10.1.2.3", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.1.2.3", ['"[2001:db8:1:2:3::9]:4711"'], "2001:db8:1:2::/64"),
        ("10.1.2.3", ["<script>"], "unknown"),
        ("10.1.2.3", ["203.0.113.9, unknown"], "unknown"),
        ("10.1.2.3", [" , "], None),
        ("::ffff:10.1.2.3", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
    ],
)
def test_the_reader_behind_a_connection(peer: str | None, forwarded: list[str], reader: str | None) -> None:
    """The nearest address that is not a trusted proxy; None where no limit is for it."""
    assert Addresses(("10.0.0.0/8",)).reader(peer, forwarded) == reader


def test_without_trusted_proxies_nobody_is_believed() -> None:
    """X-Forwarded-For says nothing."""
    assert Addresses(()).reader("10.1.2.3", ["203.0.113.9"]) == "10.1.2.3"

"""What passes as an address, and what does not."""

import pytest

from ticker.config import urls


@pytest.mark.parametrize(
    "text",
    [
        "https://localhost",
        "https://kraken",
        "https://127.0.0.1:8000",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]",
        "https://10.1.2.3",
        "https://169.254.169.254/latest",
        "https://192.168.0.1",
        "https://prices.internal",
        "https://printer.local.",
        "http://mirror.example.org",
    ],
)
def test_private_addresses_need_a_word(text):
    """Plain http and hosts inside of a network pass only where the source says allow_private."""
    with pytest.raises(ValueError, match="allow_private"):
        urls.source_url(text, allow_private=False)
    assert urls.source_url(text, allow_private=True) == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "https://",
        "https:///path",
        "https://exa mple.org",
        "https://example.org:0",
        "https://example.org:99999",
        "https://example.org/ä",
        "https://[::1",
        "https://user@example.org",
        "https://example.org/#top",
        "https://example.org/?a=1",
        "javascript:alert(1)",
        "//example.org",
        "https://-x-.",
        "https://example.org\\@evil.example",
    ],
)
def test_what_is_no_web_address(text):
    """Everything that is not a plain absolute address is refused."""
    with pytest.raises(ValueError):
        urls.web_url(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.example.org", "https://api.example.org"),
        ("https://api.example.org:8443/prefix/", "https://api.example.org:8443/prefix"),
        ("https://8.8.8.8", "https://8.8.8.8"),
    ],
)
def test_public_addresses(text, expected):
    """A public https address passes, without the slash at its end."""
    assert urls.source_url(text, allow_private=False) == expected


@pytest.mark.parametrize(
    "text", ["*", "'self'", "'none'", "https://*.example.org", "https://example.org:8443", "https:"]
)
def test_frame_ancestors(text):
    """The source expressions of the directive pass as they are."""
    assert urls.frame_ancestor(text) == text


@pytest.mark.parametrize(
    "text", ["", "* *", "https://a.org; script-src *", "https://a.org,https://b.org", "data:", "a\nb"]
)
def test_frame_ancestors_smuggle_nothing(text):
    """Nothing that could end the directive or begin another gets through."""
    with pytest.raises(ValueError):
        urls.frame_ancestor(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://cache:6379/0", False),
        ("redis://me@cache", False),
        ("redis://me:pw@cache", True),
        ("redis://:pw@cache", True),
        ("redis+sentinel://:pw@h1:1,h2:2/main/0", True),
        ("redis+sentinel://h1:1,h2:2/main/0", False),
        ("unix:///run/redis.sock?password=pw", True),
        ("embedded:/data/a@b:c", False),
    ],
)
def test_passwords_are_found(text, expected):
    """A password is found wherever an address of Redis may hold one."""
    assert urls.has_password(text) is expected


@pytest.mark.parametrize("text", ["https://example.org//evil.example", "https://example.org/\\\\evil.example"])
def test_the_public_address_stays_ours(text):
    """What begins with its path cannot be taken for another host's address."""
    with pytest.raises(ValueError, match="must not contain"):
        urls.public_url(text)
    assert urls.public_url("https://example.org/prices/") == "https://example.org/prices"

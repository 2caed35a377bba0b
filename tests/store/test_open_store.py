"""Which URL opens which store, and the exact sentence for one that opens none."""

import subprocess
import sys
from pathlib import Path

import pytest

from ticker.errors import ConfigError
from ticker.store import open_store
from ticker.store.redis_url import parse

KNOWN = (
    "embedded:PATH, redis://HOST:PORT/DB, unix:///PATH, redis+sentinel://H1:PORT,H2:PORT/MASTER/DB or "
    "redis+cluster://H1:PORT,H2:PORT; rediss… is over TLS"
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("embedded:/var/lib/ticker/store.db", "SqliteStore('/var/lib/ticker/store.db')"),
        ("embedded:store.db", "SqliteStore('store.db')"),
        ("embedded:~/store.db", f"SqliteStore('{Path.home()}/store.db')"),
        ("redis://cache", "RedisStore('redis://cache:6379/0', prefix='ticker')"),
        ("REDIS://user:secret@cache:6380/3", "RedisStore('redis://cache:6380/3', prefix='ticker')"),
        ("redis://[::1]:6379?db=2", "RedisStore('redis://[::1]:6379/2', prefix='ticker')"),
        ("rediss://cache?ssl_ca_certs=/ca.pem", "RedisStore('rediss://cache:6379/0', prefix='ticker')"),
        ("unix://:secret@/run/redis.sock?db=4", "RedisStore('unix:///run/redis.sock', prefix='ticker')"),
        (
            "redis+sentinel://user:secret@h1:7,h2,[::1]:8/main/2?sentinel_password=secret",
            "RedisStore('redis+sentinel://h1:7,h2:26379,[::1]:8/main/2', prefix='ticker')",
        ),
        (
            "rediss+cluster://:secret@h1,h2:7001?ssl_ca_certs=/ca.pem",
            "RedisStore('rediss+cluster://h1:6379,h2:7001', prefix='ticker')",
        ),
    ],
)
async def test_the_scheme_picks_the_store(url: str, shown: str) -> None:
    """Each known scheme gives its back end, unopened, and its repr never has the password."""
    assert repr(open_store(url)) == shown


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", f"names no store we know; use {KNOWN}"),
        ("store.db", f"names no store we know; use {KNOWN}"),
        ("postgres://host/db", f"names no store we know; use {KNOWN}"),
        (
            "redis+sentinel://h1:26379",
            "redis+sentinel:// needs the name of the primary after the hosts: redis+sentinel://h1:26379,h2/MASTER/0",
        ),
        ("redis+sentinel:///main/0", "redis+sentinel:// needs hosts: redis+sentinel://h1:26379,h2/MASTER/0"),
        ("redis+sentinel://h1/main/x", "the database after the address must be a number"),
        ("redis+sentinel://h1/main?ssl_ca_certs=/ca.pem", "does not take 'ssl_ca_certs' after the question mark"),
        ("redis+cluster://", "redis+cluster:// needs hosts: redis+cluster://h1:6379,h2"),
        ("redis+cluster://h1:6379,", "redis+cluster:// needs hosts: redis+cluster://h1:6379,h2"),
        ("redis+cluster://h1:99999", "redis+cluster:// needs hosts: redis+cluster://h1:6379,h2"),
        ("redis+cluster://h1:6379/1", "a cluster has database 0 and no other"),
        ("redis+cluster://h1?sentinel_password=x", "does not take 'sentinel_password' after the question mark"),
        (
            "redis+sentinel://:sec/ret@h 1/main",
            "cannot be read; write / # ? @ : in a user name or password as %2F %23 %3F %40 %3A",
        ),
        ("embedded:", "embedded: needs the path of a file after the colon"),
        ("redis://", "redis:// needs a host: redis://localhost:6379/0"),
        ("redis:cache", "redis:// needs a host: redis://localhost:6379/0"),
        ("redis://cache/main", "the database after the address must be a number"),
        ("redis://cache?db=-1", "the database after the address must be a number"),
        ("redis://cache?socket_timeout=60", "does not take 'socket_timeout' after the question mark"),
        ("redis://cache?ssl_ca_certs=/ca.pem", "does not take 'ssl_ca_certs' after the question mark"),
        ("rediss://cache?ssl_cert_reqs=none", "does not take 'ssl_cert_reqs' after the question mark"),
        ("unix://run/redis.sock", "unix:// needs the absolute path of a socket: unix:///run/redis/redis.sock"),
        (
            "redis://:sec/ret@cache:6379",
            "cannot be read; write / # ? @ : in a user name or password as %2F %23 %3F %40 %3A",
        ),
        (
            "redis://cache:99999",
            "cannot be read; write / # ? @ : in a user name or password as %2F %23 %3F %40 %3A",
        ),
    ],
)
def test_any_other_url_is_refused_with_its_reason(url: str, reason: str) -> None:
    """The sentence says what is wrong, and never repeats the URL."""
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert str(caught.value) == f"[store]: url: {reason}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("prefix", ["", "a b", "{x}", "é", "x" * 65, "a\n"])
def test_a_prefix_that_would_break_the_keys_is_refused(prefix: str) -> None:
    """Braces would move the hash tag, blanks and more would confuse whoever looks into Redis."""
    with pytest.raises(ConfigError, match="must be 1 to 64 letters"):
        open_store("redis://cache", prefix)


def test_a_redis_url_says_all_that_a_connection_needs() -> None:
    """Escapes are undone once, and the files of TLS are handed on."""
    address = parse("rediss://us%2Fer:p%252F%40@Cache.example:7000/5?ssl_ca_certs=%2Fetc%2Fca.pem&ssl_keyfile=k")
    assert address.settings == {
        "host": "cache.example",
        "port": 7000,
        "db": 5,
        "username": "us/er",
        "password": "p%2F@",
        "ssl_ca_certs": "/etc/ca.pem",
        "ssl_keyfile": "k",
    }
    assert address.shown == "rediss://cache.example:7000/5"
    assert "p%2F@" not in repr(address)


@pytest.mark.parametrize(
    ("url", "foreign"), [("embedded:store.db", "redis"), ("redis://cache", "aiosqlite"), ("", "redis")]
)
def test_only_the_back_end_in_use_is_loaded(url: str, foreign: str) -> None:
    """An embedded ticker never imports redis-py, and one on Redis never aiosqlite."""
    code = (
        "import sys, contextlib, ticker.feed\nfrom ticker.store import open_store\n"
        f"with contextlib.suppress(Exception): open_store({url!r})\nprint({foreign!r} in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

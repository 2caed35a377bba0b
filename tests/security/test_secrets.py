"""Planted secrets go everywhere a secret can be given, and come out nowhere (trust rule 27, design §5)."""

import asyncio
import logging
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest
from one_command import run
from redis_server import RedisServer
from service import free_port, ticker, write_config

from ticker.asking import Assignment
from ticker.commands import assembly
from ticker.commands.logs import JsonLines
from ticker.config import SECTIONS, check, load, settings
from ticker.errors import SourceError
from ticker.fetch import Ask, Fetcher
from ticker.sources import REGISTRY
from ticker.store import open_store

PLANTED = "hunter2-planted"
KEYED = sorted(name for name, source in REGISTRY.items() if any(plan.key_header is not None for plan in source.plans))
COINS = {"bitcoin": {"symbol": "BTC", "ids": {"kraken": "BTC/USD", "coingecko": "bitcoin", "coinmarketcap": "1"}}}


def files(folder: Path, port: int) -> dict[str, str]:
    """Every secret there is, in a file of its own, as its variable names it."""
    given = {
        "TICKER_STORE_URL": f"redis://user-{PLANTED}:{PLANTED}@127.0.0.1:{port}/0",
        "TICKER_ALERTS_WEBHOOK": f"https://hooks.example.org/{PLANTED}?token={PLANTED}",
        **{f"TICKER_SOURCES_{name.upper()}_KEY": PLANTED for name in KEYED},
    }
    found = {}
    for variable, value in given.items():
        path = folder / variable.lower()
        path.write_text(value + "\n")
        found[f"{variable}_FILE"] = str(path)
    return found


def test_every_secret_can_be_a_file(tmp_path: Path) -> None:
    """Each setting that is a secret has its _FILE, and what is in it is used."""
    secret = {f"{one.section}.{one.name}" for one in settings() if one.kind.secret}
    config = load(write_config(tmp_path / "config", COINS), files(tmp_path, 1))

    assert secret == {"store.url", "alerts.webhook"}
    assert PLANTED in config.store.url
    assert config.alerts.webhook is not None
    assert PLANTED in config.alerts.webhook.reveal()
    for name in KEYED:
        key = config.sources[name].key
        assert key is not None
        assert key.reveal() == PLANTED


def test_no_repr_shows_one(tmp_path: Path) -> None:
    """The configuration, its parts, what asks, the store: none has it in its repr, nor in an error's chain."""
    config = load(write_config(tmp_path / "config", COINS), files(tmp_path, 1))
    assignments = assembly.assignments(config)
    shown = [config, *(getattr(config, section) for section in SECTIONS), *config.sources.values(), *assignments]
    shown += [Ask(one.source.name, one.base_url, "/", headers=one.headers) for one in assignments]
    shown += [open_store(config.store.url, config.store.prefix)]

    assert any(isinstance(one, Assignment) and PLANTED in str(one.headers) for one in shown)
    for one in shown:
        assert PLANTED not in repr(one)
        assert PLANTED not in str(one)


VALUES = (PLANTED, f"redis://:{PLANTED}@[::1/0", f"https://u:{PLANTED}@", f"\x00{PLANTED}", f"{PLANTED}\n" * 9)


@pytest.mark.parametrize("variable", ["TICKER_STORE_URL", "TICKER_ALERTS_WEBHOOK", "TICKER_SOURCES_COINGECKO_KEY"])
def test_a_wrong_one_is_refused_unseen(variable: str, tmp_path: Path) -> None:
    """What is said against it names the variable and never its value, not even in the chain of the error."""
    config, path = write_config(tmp_path / "config", COINS), tmp_path / "secret"
    for value in VALUES:
        path.write_text(value)
        given = {f"{variable}_FILE": str(path)}, {variable: value.replace("\x00", "")}
        for error in (error for environ in given for error in check(config, environ)):
            assert variable in str(error)
            assert PLANTED not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("command", "value"),
    [("check", f"gopher://u:{PLANTED}@host"), ("plan", f"{PLANTED}"), ("serve", f"redis://:{PLANTED}@[::1/0")],
)
async def test_a_command_that_refuses_one_does_not_say_it(command: str, value: str, tmp_path: Path) -> None:
    """Neither on the screen nor in a trace."""
    path = tmp_path / "secret"
    path.write_text(value)
    config = write_config(tmp_path / "config", COINS)
    done = await run(command, "--config", str(config), environ={"TICKER_STORE_URL_FILE": str(path)})

    assert done.code == 1
    assert "url" in done.err.lower()
    assert PLANTED not in done.out + done.err


@pytest.mark.redis
async def test_a_running_service_says_none(own_redis: RedisServer, tmp_path: Path) -> None:
    """Log at its finest, pages, explanations, errors of Redis and of sources: nowhere is one of them."""
    with own_redis.client() as client:
        client.acl_setuser(f"user-{PLANTED}", enabled=True, passwords=[f"+{PLANTED}"], keys=["*"], channels=["*"],
                           categories=["+@all"])  # fmt: skip
    nobody = f"http://127.0.0.1:{free_port()}"
    environ = {**files(tmp_path, own_redis.port), "TICKER_SERVER_ACCESS_LOG": "true", "PYTHONASYNCIODEBUG": "1"}
    environ["TICKER_STORE_URL"] = own_redis.url_as(f"user-{PLANTED}:{PLANTED}")
    del environ["TICKER_STORE_URL_FILE"]
    for name in REGISTRY:
        environ |= {f"TICKER_SOURCES_{name.upper()}_BASE_URL": nobody}
        environ |= {f"TICKER_SOURCES_{name.upper()}_ALLOW_PRIVATE": "true"}
    said = ""
    async with ticker(
        "run", "--log-format", "json", config=write_config(tmp_path / "c", COINS), environ=environ
    ) as one:
        await one.until("/readyz")
        own_redis.pause()
        for path in ("/", "/v1/prices", "/v1/explain/bitcoin", "/v1/history/bitcoin", "/v1/status", "/status", "/none"):
            status, headers, text = await one.get(path)
            said += f"{status}{dict(headers)}{text}"
        await asyncio.sleep(1)
        own_redis.resume()
        own_redis.kill()
        await asyncio.sleep(1)
        assert "Traceback" not in one.log
        assert await one.end() == 0
        said += one.log

    assert "kraken" in said
    assert PLANTED not in said


async def test_a_source_that_repeats_our_key(caplog: pytest.LogCaptureFixture) -> None:
    """An error page that echoes what we sent: the key is taken out before anybody logs it, traces and all."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(head) + head)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    caplog.set_level(logging.DEBUG)
    async with Fetcher("ticker/test", lambda: 0.0) as fetcher:
        try:
            await fetcher.fetch(Ask("mine", base, "/", headers={"X-Key": PLANTED}, allow_private=True))
        except SourceError as error:
            logging.getLogger("ticker").exception("%s", error)  # noqa: TRY401 - both, on purpose
    server.close()
    (record,) = [one for one in caplog.records if one.name == "ticker"]

    assert "401" in record.getMessage()
    assert PLANTED not in JsonLines().format(record)
    assert PLANTED not in caplog.text


def addresses(log: str) -> Mapping[str, int]:
    """How often a log names a reader's address."""
    return {address: log.count(address) for address in ("203.0.113.77", "2001:db8:77") if address in log}


async def test_no_reader_s_address_is_logged(tmp_path: Path) -> None:
    """By default no line bears an address, whatever a reader does: wrong paths, garbage, too much, a stream."""
    environ = {"TICKER_SERVER_TRUSTED_PROXIES": "127.0.0.1", "TICKER_SERVER_COSTLY_PER_MINUTE": "2"}
    environ |= {"TICKER_SERVER_MAX_VIEWERS_PER_ADDRESS": "1"}
    async with ticker("serve", config=write_config(tmp_path / "c", {}), environ=environ) as one:
        await one.until("/healthz")
        port = int(one.origin.rpartition(":")[2])
        for path in ("/", "/none", "/widget/list?coins=none", "/v1/stream", "/v1/history/bitcoin"):
            for reader in ("203.0.113.77", "2001:db8:77::1"):
                source, sink = await asyncio.open_connection("127.0.0.1", port)
                sink.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {reader}\r\n\r\n".encode())
                await source.readline()
                sink.close()
        source, sink = await asyncio.open_connection("127.0.0.1", port)
        sink.write(b"\x00\xff garbage 203.0.113.77\r\n\r\n")
        await source.read(100)
        sink.close()
        assert await one.end() == 0

        assert addresses(one.log) == {}

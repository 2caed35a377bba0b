"""Identity through the real command line and real HTTP: traps are pointed out before they reach a page."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from one_command import run, type_into
from replay import Replay, load
from service import stand_ins, ticker, write_config

from ticker.sources import REGISTRY

COINS_LIST = "coingecko/coins_list_2025-08-03.json"
KRAKEN = "kraken/Ticker_all_assetVersion1_2026-07-23.json"  # names Terra Classic's market LUNA, and has no WAVES


@pytest.fixture
async def replay() -> AsyncIterator[Replay]:
    """A server of answers."""
    async with Replay() as running:
        yield running


def environ(replay: Replay, *sources: str) -> dict[str, str]:
    """Only these sources, from the replay."""
    off = {f"TICKER_SOURCES_{name.upper()}_ENABLED": "false" for name in REGISTRY if name not in sources}
    return stand_ins({name: replay.base_urls[name] for name in sources}) | off


def gecko(*coins: tuple[str, str, str, str]) -> bytes:
    """CoinGecko's answer with these coins: id, symbol, name, price."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rows = [
        {"id": one, "symbol": symbol, "name": name, "current_price": float(price), "last_updated": now}
        for one, symbol, name, price in coins
    ]
    return json.dumps(rows).encode()


def okx(**markets: str) -> bytes:
    """OKX's answer with these coins against USDT."""
    at = str(round(datetime.now(UTC).timestamp() * 1000))
    rows = [{"instId": f"{base}-USDT", "last": price, "ts": at} for base, price in markets.items()]
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def gate(**markets: str) -> bytes:
    """Gate.io's answer with these coins against USDT."""
    return json.dumps([{"currency_pair": f"{base}_USDT", "last": price} for base, price in markets.items()]).encode()


def config(folder: Path, **coins: dict[str, Any]) -> Path:
    """A configuration with these coins, and a tether that Kraken prices."""
    tether = {"tether": {"name": "Tether", "symbol": "USDT", "ids": {"kraken": "USDT/USD", "coingecko": "tether"}}}
    return write_config(folder / "config", {name.replace("_", "-"): one for name, one in coins.items()} | tether)


TETHER = ("tether", "usdt", "Tether", "0.9994")


async def test_the_traps_of_the_same_name(recordings: Path, replay: Replay, tmp_path: Path) -> None:
    """BTG of Bitgem, LUNA of Terra Classic, XNO of Xeno, WAVES gone from Kraken: each an error, and exit code 1."""
    replay.serve("kraken", load(recordings, KRAKEN))
    replay.serve(
        "coingecko",
        gecko(
            TETHER,
            ("bitcoin-gold", "btg", "Bitcoin Gold", "459"),
            ("terra-luna-2", "luna", "Terra", "0.0709"),
            ("xeno-token", "xno", "Xeno", "0.002"),
            ("waves", "waves", "Waves", "0.87"),
        ),
    )
    replay.serve("okx", okx(BTG="7.05", WAVES="0.871"))
    replay.serve("gateio", gate(BTG="459.4", WAVES="0.8705"))
    folder = config(
        tmp_path,
        bitcoin_gold={
            "name": "Bitcoin Gold",
            "symbol": "BTG",
            "ids": {"coingecko": "bitcoin-gold", "okx": "BTG-USDT", "gateio": "BTG_USDT"},
        },
        terra_luna_2={
            "name": "Terra",
            "symbol": "LUNA",
            "ids": {"coingecko": "terra-luna-2", "kraken": "LUNA/USD"},
        },
        nano={"name": "Nano", "symbol": "NANO", "ids": {"coingecko": "xeno-token", "kraken": "NANO/USD"}},
        waves={
            "name": "Waves",
            "symbol": "WAVES",
            "ids": {"coingecko": "waves", "kraken": "WAVES/USD", "okx": "WAVES-USDT", "gateio": "WAVES_USDT"},
        },
    )
    ended = await run(
        "check", "--online", "--config", str(folder), environ=environ(replay, "coingecko", "kraken", "okx", "gateio")
    )

    assert ended.code == 1, ended.err
    lines = ended.out.splitlines()
    errors = [line.removeprefix("error").strip() for line in lines if line.startswith("error")]
    assert [line.partition(":")[0] for line in errors] == [
        "bitcoin-gold okx",
        "terra-luna-2 coingecko",
        "terra-luna-2 kraken",
        "nano coingecko",
        "nano kraken",
        "nano coingecko",
        "waves kraken",
    ]
    assert "BTG-USDT costs $7.04566425" in errors[0]
    assert "LUNA/USD costs $0.00005706 there, $0.0709 elsewhere" in errors[2]
    assert "xeno-token is Xeno (xno) there, Nano (NANO) in coins.toml: another coin?" in errors[5]
    assert "has no WAVES/USD (delisted, renamed?)" in errors[6]
    (side_by_side,) = [line.split() for line in lines if line.startswith("nano") and "kraken" in line]
    assert side_by_side == ["nano", "kraken", "NANO/USD", "NANO", "0.39958"]
    assert all(replay.calls[name] == 1 for name in ("coingecko", "kraken", "okx", "gateio"))


async def test_nothing_to_say(recordings: Path, replay: Replay, tmp_path: Path) -> None:
    """Three sources that agree: exit code 0, and no error in the count."""
    replay.serve("kraken", load(recordings, KRAKEN))
    replay.serve("coingecko", gecko(TETHER, ("nano", "xno", "Nano", "0.3996")))
    replay.serve("okx", okx(XNO="0.3997"))
    ids = {"coingecko": "nano", "kraken": "NANO/USD", "okx": "XNO-USDT"}
    folder = config(tmp_path, nano={"name": "Nano", "symbol": "NANO", "ids": ids})
    ended = await run("check", "--online", "--config", str(folder), environ=environ(replay, *ids))
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.splitlines()[-1].startswith("0 errors, ")
    assert "one coin, two symbols" in ended.out


async def test_no_source_answers(replay: Replay, tmp_path: Path) -> None:
    """Exit code 4 and a sentence, for every command that asks."""
    folder = config(tmp_path, nano={"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}})
    for words in (("check", "--online"), ("coins", "search", "nano"), ("coins", "add", "ark", "--yes")):
        ended = await run(*words, "--config", str(folder), environ=environ(replay, "kraken", "coingecko"))
        assert ended.code == 4, words
        assert "ticker: " in ended.err
        assert "Traceback" not in ended.err


async def test_searching(recordings: Path, replay: Replay, tmp_path: Path) -> None:
    """Both coins that share XNO stand side by side with the markets of that symbol, each with its price."""
    replay.serve("kraken", load(recordings, KRAKEN))
    replay.serve("coingecko", (recordings / COINS_LIST).read_bytes(), path="/api/v3/coins/list")
    replay.serve("coingecko", gecko(TETHER, ("nano", "xno", "Nano", "0.3996"), ("xeno-token", "xno", "Xeno", "0.002")))
    replay.serve("okx", okx(XNO="0.4"))
    folder = config(tmp_path, nano={"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}})
    on = environ(replay, "kraken", "coingecko", "okx")
    ended = await run("coins", "search", "xno", "--config", str(folder), environ=on)
    assert ended.code == 0, ended.err
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["coingecko", "nano", "Nano", "xno", "0.3996"] in rows
    assert ["coingecko", "xeno-token", "Xeno", "xno", "0.002"] in rows
    assert ["kraken", "NANO/USD", "NANO", "0.39958"] in rows
    assert ["okx", "XNO-USDT", "XNO", "0.399754"] in rows
    nothing = await run("coins", "search", "qqqqqq", "--config", str(folder), environ=on)
    assert (nothing.code, nothing.out) == (0, "no source that answered has 'qqqqqq' in an id, name or symbol\n")


async def test_adding(recordings: Path, replay: Replay, tmp_path: Path) -> None:
    """A coin by its CoinGecko id gets its ids where the price agrees; the rest is told; the result is valid."""
    replay.serve("kraken", load(recordings, KRAKEN))
    replay.serve("coingecko", gecko(TETHER, ("terra-luna", "lunc", "Terra Luna Classic", "0.0000571")))
    replay.serve("coingecko", (recordings / COINS_LIST).read_bytes(), path="/api/v3/coins/list")
    replay.serve("okx", okx(LUNC="0.0000572", LUNA="0.0709"))
    replay.serve("gateio", gate(LUNC="0.0709"))
    folder = config(tmp_path, nano={"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}})
    on = environ(replay, "coingecko", "kraken", "okx", "gateio")
    before = (folder / "coins.toml").read_text()

    asked = await run("coins", "add", "terra-luna", "--config", str(folder), environ=on)
    assert asked.code == 2
    assert "--yes" in asked.err
    assert (folder / "coins.toml").read_text() == before

    refused = await type_into("n\n", "coins", "add", "terra-luna", "--config", str(folder), environ=on)
    assert (refused.code, (folder / "coins.toml").read_text()) == (1, before)

    added = await type_into("y\n", "coins", "add", "terra-luna", "--config", str(folder), environ=on)
    assert added.code == 0, added.out
    assert "terra-luna: Terra Luna Classic (LUNC), on coingecko, okx" in added.out
    assert "not added: gateio LUNC_USDT: price disagrees" in added.out
    assert (folder / "coins.toml").read_text() == before.replace('"tether"]', '"tether", "terra-luna"]').rstrip() + (
        '\n\n[coins.terra-luna]\nname = "Terra Luna Classic"\nsymbol = "LUNC"\n'
        'ids = { coingecko = "terra-luna", okx = "LUNC-USDT" }\n'
    )
    assert (await run("check", "--config", str(folder), environ=on)).code == 0

    again = await run("coins", "add", "terra-luna", "--yes", "--config", str(folder), environ=on)
    assert (again.code, "is there already" in again.err) == (1, True)
    symbol = await run("coins", "add", "xno", "--yes", "--config", str(folder), environ=on)
    assert symbol.code == 1
    assert 'CoinGecko has no coin "xno"; ids with this symbol or name are nano, xeno-token' in symbol.err
    untraded = await run("coins", "add", "terra-luna-2", "--yes", "--config", str(folder), environ=on)
    assert 'has no coin "terra-luna-2" with a price: it lists it' in untraded.err


async def test_an_id_that_belongs_to_another_coin(recordings: Path, replay: Replay, tmp_path: Path) -> None:
    """A market that a coin of ours has already is not given to a second one."""
    replay.serve("kraken", load(recordings, KRAKEN))
    replay.serve("coingecko", gecko(TETHER, ("xeno-token", "xno", "Xeno", "0.39958")))
    folder = config(tmp_path, nano={"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}})
    words = ("coins", "add", "xeno-token", "--yes", "--no-show", "--config", str(folder))
    ended = await run(*words, environ=environ(replay, "coingecko", "kraken"))
    assert ended.code == 0, ended.err
    assert 'not added: kraken NANO/USD: is the id of "nano" already' in ended.out
    assert 'show = ["nano", "tether"]' in (folder / "coins.toml").read_text()


async def test_another_id_than_asked_is_no_price(replay: Replay, tmp_path: Path) -> None:
    """CoinGecko answers for Bitgem where Bitcoin Gold was asked: no price, on the page and in the check (rule 10)."""
    replay.serve("coingecko", gecko(("bitgem", "btg", "Bitgem", "7.05"), TETHER))
    ids = {"coingecko": "bitcoin-gold"}
    folder = config(tmp_path, bitcoin_gold={"name": "Bitcoin Gold", "symbol": "BTG", "ids": ids})
    on = environ(replay, "coingecko")
    checked = await run("check", "--online", "--config", str(folder), environ=on)
    assert checked.code == 1
    assert "bitcoin-gold coingecko: has no bitcoin-gold (delisted, renamed?)" in checked.out
    async with ticker("run", config=folder, environ=on) as service:
        found = await service.prices_when(lambda prices: prices["tether"]["price"] is not None)
        await asyncio.sleep(1.2)
        found = await service.prices()
    assert (found["bitcoin-gold"]["price"], found["bitcoin-gold"]["agreement"]) == (None, "none")


async def test_a_terminal_gets_a_table(replay: Replay, tmp_path: Path) -> None:
    """On a terminal the coin is named once, and foreign words stay words: no markup, no escape."""
    replay.serve("coingecko", gecko(TETHER, ("nano", "xno", "[red]Nano\x1b[31m", "0.4")))
    replay.serve("okx", okx(XNO="0.4"))
    ids = {"coingecko": "nano", "okx": "XNO-USDT"}
    folder = config(tmp_path, nano={"name": "Nano", "symbol": "XNO", "ids": ids})
    ended = await type_into("", "check", "--online", "--config", str(folder), environ=environ(replay, *ids))
    assert "[red]Nano?[31m" in ended.out
    assert "Nano\x1b[31m" not in ended.out

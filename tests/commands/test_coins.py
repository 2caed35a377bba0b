"""`ticker coins` where it asks nobody: the list, removing, confirming, and that nothing invalid is ever written."""

from pathlib import Path

import pytest
from one_command import run
from service import write_config

from ticker.config import load

COINS = {
    "bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": {"kraken": "BTC/USD", "coingecko": "bitcoin"}},
    "nano": {"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration of two coins."""
    return write_config(tmp_path / "config", COINS)


async def test_the_list(folder: Path) -> None:
    """Every coin with its place in the list, its sources and their groups."""
    ended = await run("coins", "list", "--config", str(folder))
    rows = [line.split() for line in ended.out.splitlines()]
    assert ended.code == 0
    assert rows[0] == ["coin", "name", "symbol", "list", "sources"]
    assert rows[1] == ["bitcoin", "Bitcoin", "BTC", "shown", "2", "(2", "groups)"]
    assert ["tether", "Tether", "USDT", "0", "(0", "groups)"] in rows


async def test_removing(folder: Path) -> None:
    """Gone from the list and from the coins; the change is shown first, in lines and in words."""
    ended = await run("coins", "remove", "nano", "--yes", "--config", str(folder))
    assert ended.code == 0, ended.err
    assert "-[coins.nano]" in ended.out
    assert "nano is gone\nno longer in the list: nano\n" in ended.out
    config = load(folder, {})
    assert (config.shown, [coin.id for coin in config.coins]) == (("bitcoin",), ["bitcoin", "tether", "usd-coin"])


async def test_a_coin_that_is_known_is_put_into_the_list(folder: Path) -> None:
    """Nobody is asked for it, its ids stay, and it is the last; a second time there is nothing to add."""
    ended = await run("coins", "add", "tether", "--yes", "--config", str(folder))
    assert ended.code == 0, ended.err
    assert "tether: Tether (USDT) is known; it goes to the end of the list" in ended.out
    assert load(folder, {}).shown == ("bitcoin", "nano", "tether")
    again = await run("coins", "add", "tether", "--yes", "--config", str(folder))
    assert (again.code, "is there already" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("remove", "tether", "--yes"), "coins.tether: stays: prices in USDT count only through its price"),
        (("remove", "ark", "--yes"), "coins.ark: there is no such coin"),
        (("remove", "nano", "usd-coin", "--yes"), "coins.usd-coin: stays"),
        (("confirm", "ark", "--yes"), "coins.ark: there is no such coin"),
    ],
)
async def test_what_is_refused(words: tuple[str, ...], says: str, folder: Path) -> None:
    """Whole, with the reason, exit code 1, and the file as it was."""
    before = (folder / "coins.toml").read_bytes()
    ended = await run("coins", *words, "--config", str(folder))
    assert ended.code == 1
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert (folder / "coins.toml").read_bytes() == before


async def test_confirming(folder: Path) -> None:
    """The moment is in the configuration from now on, for several coins at once."""
    ended = await run("coins", "confirm", "nano", "bitcoin", "--yes", "--config", str(folder))
    assert ended.code == 0, ended.err
    moments = {coin.id: coin.confirmed for coin in load(folder, {}).coins}
    assert moments["nano"] == moments["bitcoin"]
    assert moments["nano"] is not None
    assert moments["tether"] is None


async def test_no_terminal_and_no_yes(folder: Path) -> None:
    """A script must say --yes: exit code 2, and the file as it was."""
    before = (folder / "coins.toml").read_bytes()
    ended = await run("coins", "remove", "nano", "--config", str(folder))
    assert (ended.code, (folder / "coins.toml").read_bytes()) == (2, before)


async def test_an_invalid_result_is_not_written(folder: Path) -> None:
    """A file that is wrong already, or would be, stays as it is, with every reason."""
    path = folder / "coins.toml"
    path.write_text(path.read_text().replace('symbol = "BTC"', 'symbol = ""'))
    before = path.read_bytes()
    ended = await run("coins", "remove", "nano", "--yes", "--config", str(folder))
    assert (ended.code, path.read_bytes()) == (1, before)
    assert "coins.bitcoin.symbol = '': must not be empty" in ended.err
    assert "nothing was written" in ended.err


async def test_the_shipped_configuration_stays(tmp_path: Path) -> None:
    """Without a configuration of one's own there is nothing to change."""
    ended = await run("coins", "remove", "nano", "--yes", cwd=tmp_path)
    assert ended.code == 1
    assert "ticker init" in ended.err


async def test_adding_without_coingecko(folder: Path) -> None:
    """Where CoinGecko is off, adding says so and asks nobody."""
    off = {"TICKER_SOURCES_COINGECKO_ENABLED": "false"}
    ended = await run("coins", "add", "ark", "--yes", "--config", str(folder), environ=off)
    assert (ended.code, "CoinGecko is off: switched off" in ended.err) == (1, True)


async def test_an_empty_search(folder: Path) -> None:
    """A search for nothing is a mistake in its use."""
    assert (await run("coins", "search", " ", "--config", str(folder))).code == 2

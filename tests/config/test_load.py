"""What a configuration becomes: precedence, plans, what is polled, the order of coins, the version."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ticker.config import check, load
from ticker.errors import ConfigError
from ticker.model import Coin
from ticker.server.icons import LARGEST


def test_the_defaults(folder):
    """Two nearly empty files give a whole configuration."""
    config = load(folder, {"HOME": "/home/ops"})
    assert (config.server.host, config.server.port, config.store.prefix) == ("127.0.0.1", 8080, "ticker")
    assert (config.consensus.tolerance, config.consensus.publish_every) == (Decimal("0.01"), 1.0)
    assert config.alerts.webhook is None
    assert config.store.url == "embedded:/home/ops/.local/state/ticker/ticker.sqlite3"


def test_precedence(folder):
    """Command line over environment over file over default, and None on the command line is nothing."""
    (folder / "ticker.toml").write_text("[server]\nport = 1001\nworkers = 1\n")
    environ = {"TICKER_SERVER_PORT": "1002"}
    assert load(folder, {}).server.port == 1001
    assert load(folder, environ).server.port == 1002
    assert load(folder, environ, {"server.port": 1003}).server.port == 1003
    assert load(folder, environ, {"server.port": "1004"}).server.port == 1004
    assert load(folder, environ, {"server.port": None}).server.port == 1002


def test_a_wrong_value_is_refused_even_where_a_stronger_one_stands(folder):
    """A mistake in the file does not wait for the day the variable is gone."""
    (folder / "ticker.toml").write_text("[server]\nport = -1\n")
    assert [error.line for error in check(folder, {"TICKER_SERVER_PORT": "1002"})] == [2]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("server.port", 70_000, "server.port = 70000: must be a whole number from 0 to 65535"),
        ("server.prot", 1, 'server.prot = 1: unknown setting; did you mean "server.port"?'),
        ("sources.coingecko.key", "planted", "sources.coingecko.key: unknown setting"),
    ],
)
def test_the_command_line_is_checked_too(folder, key, value, sentence):
    """Unknown and wrong overrides are refused, and a key is no business of the command line."""
    (error,) = check(folder, {}, {key: value})
    assert str(error).startswith(f"command line: {sentence}")


def test_both_files_are_needed(folder):
    """A half configuration is refused, naming the half that is missing."""
    (folder / "ticker.toml").unlink()
    (folder / "coins.toml").unlink()
    assert [(Path(error.file).name, error.key) for error in check(folder, {})] == [
        ("ticker.toml", "file"),
        ("coins.toml", "file"),
    ]


@pytest.mark.parametrize(
    ("environ", "plan", "key", "idle"),
    [
        ({}, "keyless", None, None),
        ({"_KEY": "k"}, "demo", "k", None),
        ({"_KEY": "k", "_PLAN": "pro"}, "pro", "k", None),
        ({"_KEY": "k", "_PLAN": "keyless"}, "keyless", None, None),
        ({"_PLAN": "demo"}, "demo", None, 'plan "demo" needs a key: set TICKER_SOURCES_COINGECKO_KEY'),
    ],
)
def test_the_plan(folder, environ, plan, key, idle):
    """The plan is the one named, else keyless, else with a key the first that takes one; only it gets the key."""
    environ = {f"TICKER_SOURCES_COINGECKO{name}": value for name, value in environ.items()}
    source = load(folder, environ).sources["coingecko"]
    assert (source.plan, source.key.reveal() if source.key else None, source.idle) == (plan, key, idle)


def test_the_plan_brings_its_address(folder):
    """Without a base address of their own, ops get the plan's."""
    environ = {"TICKER_SOURCES_COINGECKO_KEY": "k", "TICKER_SOURCES_COINGECKO_PLAN": "pro"}
    assert load(folder, environ).sources["coingecko"].base_url == "https://pro-api.coingecko.com"
    environ["TICKER_SOURCES_COINGECKO_BASE_URL"] = "https://mirror.example.org"
    assert load(folder, environ).sources["coingecko"].base_url == "https://mirror.example.org"


def test_sources_that_share_an_allowance_share_key_and_plan(folder):
    """CoinGecko's exchange rates are asked with CoinGecko's key, under its plan, unless ops say otherwise."""
    keyless = load(folder, {}).sources["coingeckorates"]
    assert (keyless.plan, keyless.key) == ("keyless", None)
    environ = {"TICKER_SOURCES_COINGECKO_KEY": "k", "TICKER_SOURCES_COINGECKO_PLAN": "pro"}
    shared = load(folder, environ).sources["coingeckorates"]
    assert (shared.plan, shared.key.reveal(), shared.base_url) == ("pro", "k", "https://pro-api.coingecko.com")
    environ |= {"TICKER_SOURCES_COINGECKORATES_KEY": "own", "TICKER_SOURCES_COINGECKORATES_PLAN": "demo"}
    own = load(folder, environ).sources["coingeckorates"]
    assert (own.plan, own.key.reveal()) == ("demo", "own")
    assert load(folder, environ).sources["ecb"].key is None
    wrong = check(folder, {"TICKER_SOURCES_COINGECKO_KEY": "two words", "TICKER_SOURCES_COINGECKO_PLAN": "gold"})
    assert [error.key for error in wrong] == ["TICKER_SOURCES_COINGECKO_KEY", "TICKER_SOURCES_COINGECKO_PLAN"]


@pytest.mark.parametrize("code", ["eur", "jpy", "xau", "btc", "sats", "link"])
def test_the_currency_of_the_pages(folder, code):
    """Any currency that prices can be shown in can be the one of pages that ask for none."""
    assert load(folder, {"TICKER_DISPLAY_CURRENCY": code}).display.currency == code


def test_what_is_polled_and_why_the_rest_is_not(folder):
    """A source is polled when it is on, may be used, can be used and has something to say."""
    (folder / "ticker.toml").write_text("[sources.binance]\nenabled = false\n")
    config = load(folder, {})
    assert config.active_sources() == ("coingecko", "kraken", "ecb", "frankfurter", "coingeckorates")
    idle = config.idle_sources()
    assert idle["binance"] == "switched off: enabled = false"
    assert idle["coinlore"] == "no coin has an id for it"
    assert idle["coinmarketcap"].startswith("its terms seem to forbid this use (https://")
    assert idle["openerapi"].startswith("its terms seem to forbid this use (https://www.exchangerate-api.com/terms)")
    accepted = load(folder, {"TICKER_SOURCES_COINMARKETCAP_ACCEPT_TERMS": "true"}).idle_sources()
    assert accepted["coinmarketcap"] == 'plan "basic" needs a key: set TICKER_SOURCES_COINMARKETCAP_KEY'
    assert set(config.active_sources()) | set(idle) == set(config.sources)


def test_what_to_ask_a_source_for(folder):
    """A source is asked for the coins that name it; the first of several ids stays first."""
    path = folder / "coins.toml"
    path.write_text(path.read_text().replace('kraken = "BTC/USD"', 'kraken = ["XBT/USD", "BTC/USD"]'))
    config = load(folder, {})
    assert config.ids_on("kraken") == {"bitcoin": ("XBT/USD", "BTC/USD")}
    assert config.ids_on("coinlore") == {}


def test_coins_come_shown_first_then_in_the_order_of_the_file(folder):
    """The list of all coins begins with the list that is shown."""
    path = folder / "coins.toml"
    path.write_text(path.read_text().replace('["bitcoin"]', '["usd-coin", "bitcoin"]'))
    config = load(folder, {})
    assert config.shown == ("usd-coin", "bitcoin")
    assert [coin.id for coin in config.coins] == ["usd-coin", "bitcoin", "tether"]


def test_a_coin_with_everything(folder):
    """Every field of a coin arrives, exact."""
    (folder / "icons").mkdir()
    (folder / "icons" / "gold.svg").write_text("<svg/>")
    with (folder / "coins.toml").open("a") as file:
        file.write('[coins.house-gold]\nname = "House Gold"\nsymbol = "HG"\nicon = "gold.svg"\n')
        file.write('link = "https://example.org/gold?from=ticker"\ntolerance = "2.5%"\nfixed = 0.10\n')
    coin = load(folder, {}).coins[-1]
    assert coin.coin == Coin("house-gold", "House Gold", "HG", "gold.svg", "https://example.org/gold?from=ticker")
    assert (coin.tolerance, coin.fixed, dict(coin.ids)) == (Decimal("0.025"), Decimal("0.10"), {})


def test_an_icon_that_is_too_large(folder):
    """What the server would not hand out is refused at once, with file, line and reason."""
    (folder / "icons").mkdir()
    (folder / "icons" / "gold.svg").write_bytes(b"<svg/>" + bytes(LARGEST))
    with (folder / "coins.toml").open("a") as file:
        file.write('[coins.house-gold]\nname = "House Gold"\nsymbol = "HG"\nicon = "gold.svg"\nfixed = 1\n')
    (error,) = check(folder, {})
    assert str(error).endswith("coins.house-gold.icon = 'gold.svg': is larger than 256 KiB")
    (folder / "icons" / "gold.svg").write_bytes(b"<svg/>".ljust(LARGEST))
    assert check(folder, {}) == []


def test_a_coin_that_is_called_by_its_symbol(folder):
    """ARK is "ark" on CoinGecko; Treasure is "magic" there: both are ids and no mistake."""
    with (folder / "coins.toml").open("a") as file:
        file.write('[coins.ark]\nname = "Ark"\nsymbol = "ARK"\nids = { coingecko = "ark" }\n')
        file.write('[coins.magic]\nname = "Treasure"\nsymbol = "MAGIC"\nids = { coingecko = "magic" }\n')
    assert check(folder, {}) == []


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("embedded:", {"XDG_STATE_HOME": "/var/state"}, "embedded:/var/state/ticker/ticker.sqlite3"),
        ("embedded:", {"XDG_STATE_HOME": "relative"}, "embedded:/home/ops/.local/state/ticker/ticker.sqlite3"),
        ("embedded:~/t.db", {}, "embedded:/home/ops/t.db"),
        ("embedded:/data/t.db", {}, "embedded:/data/t.db"),
        ("redis+sentinel://h1:26379,h2:26379/main/0", {}, "redis+sentinel://h1:26379,h2:26379/main/0"),
        ("unix:///run/redis.sock", {}, "unix:///run/redis.sock"),
    ],
)
def test_where_the_store_is(folder, url, environ, expected):
    """The embedded store has a place of its own, by the XDG standard; addresses of Redis stay as they are."""
    assert load(folder, {"HOME": "/home/ops", **environ, "TICKER_STORE_URL": url}).store.url == expected


def test_the_version_names_what_readers_could_see(folder):
    """It changes with a title or a coin, and stays with a port, a password or a key."""
    base = load(folder, {}).version
    unseen = {
        "TICKER_SERVER_PORT": "1",
        "TICKER_STORE_URL": "redis://:pw@h",
        "TICKER_ALERTS_WEBHOOK": "https://x.org/y",
    }
    assert len(base) == 12
    assert load(folder, unseen).version == base
    assert load(folder, {"TICKER_DISPLAY_TITLE": "Prices"}).version != base
    path = folder / "coins.toml"
    path.write_text(path.read_text().replace('"Bitcoin"', '"Bitcoin!"'))
    assert load(folder, {}).version != base


def test_a_configuration_cannot_be_changed(folder):
    """Whoever holds it holds what was loaded."""
    config = load(folder, {})
    for struct in (config, config.server, config.sources["kraken"], config.coins[0]):
        with pytest.raises(AttributeError):
            setattr(struct, type(struct).__struct_fields__[0], None)
    assert msgspec.structs.replace(config, version="x").version == "x"


def test_the_folder_may_change_between_two_loads(folder):
    """Every load reads the files anew."""
    assert load(folder, {}).server.port == 8080
    (folder / "ticker.toml").write_text("[server]\nport = 1\nmetrics_port = 0\n")
    assert load(folder, {}).server.port == 1
    (folder / "ticker.toml").write_text("[server\n")
    with pytest.raises(ConfigError):
        load(folder, {})


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "wss://ws.kraken.com/v2"),
        ({"_STREAM": "true"}, "wss://ws.kraken.com/v2"),
        ({"_STREAM": "false"}, ""),
        ({"_STREAM_URL": "wss://mirror.example.org/v2/"}, "wss://mirror.example.org/v2"),
        ({"_STREAM_URL": "wss://mirror.example.org", "_STREAM": "no"}, ""),
        ({"_BASE_URL": "https://mirror.example.org"}, ""),
        (
            {"_BASE_URL": "https://mirror.example.org", "_STREAM_URL": "wss://mirror.example.org"},
            "wss://mirror.example.org",
        ),
        ({"_STREAM_URL": "ws://127.0.0.1:9000/kraken/v2", "_ALLOW_PRIVATE": "true"}, "ws://127.0.0.1:9000/kraken/v2"),
    ],
)
def test_the_stream(folder, environ, url):
    """A source streams from its own address or a given one; one whose polls are stood in for, only from a given one."""
    environ = {f"TICKER_SOURCES_KRAKEN{name}": value for name, value in environ.items()}
    assert load(folder, environ).sources["kraken"].stream_url == url


def test_sources_without_a_stream_are_polled(folder):
    """The setting is harmless where there is nothing to stream."""
    config = load(folder, {"TICKER_SOURCES_COINGECKO_STREAM": "true"})
    assert {name for name, source in config.sources.items() if source.stream_url} == {"kraken", "coinbase", "okx"}

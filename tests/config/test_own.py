"""Sources of one's own in a configuration: what they become, what must fit together across the two files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ticker.config import check, load, shipped_folder
from ticker.config.own_kinds import OWN_KINDS
from ticker.sources import REGISTRY, Request

OWN = """\
[sources.mine]
kind = "json"
url = "https://api.example.org/v1/coins/{id}?fields=price"
price = "data.price"
currency = "usd"
"""
WHOLE = """\
[sources.mine]
kind = "json"
url = "https://api.example.org/all/"
title = "My exchange"
role = "venue"
group = "kraken"
price = "last"
currency = "tether"
time = "at"
time_unit = "ms"
change = "day"
change_unit = "fraction"
volume = "turnover"
rows = "data.rows"
id = "pair"
every = "30s"
cache = "10s"
max_body = "4MiB"
key_header = "X-Api-Key"
credit = "Prices by my exchange"
credit_url = "https://example.org/"
"""


@pytest.fixture
def own(folder):
    """A configuration with a source of its own, and a coin that only it lists."""
    (folder / "ticker.toml").write_text(OWN)
    with (folder / "coins.toml").open("a") as file:
        file.write('[coins.openvoicecoin]\nname = "OpenVoiceCoin"\nsymbol = "OPENVC"\nids = { mine = "openvc" }\n')
    return folder


def sentences(folder, environ=None):
    """All refusals, with the files' names only."""
    return [str(error).replace(f"{folder}/", "") for error in check(folder, environ or {})]


def test_it_is_a_source_among_the_others(own):
    """In the registry behind those that come with the program, polled where a coin has an id for it."""
    config = load(own, {})
    assert list(config.registry) == [*REGISTRY, "mine"]
    assert all(config.registry[name] is source for name, source in REGISTRY.items())
    assert {"coingecko", "kraken", "binance", "mine"} <= set(config.active_sources())
    assert config.ids_on("mine") == {"openvoicecoin": ("openvc",)}
    settings = config.sources["mine"]
    assert (settings.base_url, settings.plan, settings.every, settings.key) == (
        "https://api.example.org",
        "own",
        60.0,
        None,
    )
    assert config.registry["mine"].requests(["openvc"]) == [Request("/v1/coins/openvc", (("fields", "price"),))]


def test_its_ids_may_be_symbols(own):
    """Whoever writes a source of their own knows what its ids mean; on other sources a symbol is still refused."""
    path = own / "coins.toml"
    path.write_text(path.read_text().replace('"openvc"', '"OPENVC"'))
    assert check(own, {}) == []
    path.write_text(path.read_text().replace('mine = "OPENVC"', 'coinpaprika = "openvc"'))
    assert "is a ticker symbol" in sentences(own)[0]


def test_every_setting_arrives(folder):
    """All that can be stated, as the program uses it."""
    (folder / "ticker.toml").write_text(WHOLE)
    config = load(folder, {"TICKER_SOURCES_MINE_KEY": "planted"})
    source, settings = config.registry["mine"], config.sources["mine"]
    assert (source.title, source.kind, source.group, source.timed) == ("My exchange", "venue", "kraken", True)
    assert (source.cache, source.max_body, source.batch, settings.every) == (10.0, 4 * 2**20, None, 30.0)
    assert source.credit == ("Prices by my exchange", "https://example.org")
    assert source.requests(["x"]) == [Request("/all/")]
    assert (source.plans[0].key_header, settings.key.reveal()) == ("X-Api-Key", "planted")
    assert "planted" not in repr(config)


def test_a_key_that_is_missing(folder):
    """With a header for a key and no key it is not asked, and says which variable to set."""
    (folder / "ticker.toml").write_text(WHOLE)
    assert load(folder, {}).sources["mine"].barred == 'plan "own" needs a key: set TICKER_SOURCES_MINE_KEY'
    (folder / "ticker.toml").write_text(OWN)
    assert sentences(folder, {"TICKER_SOURCES_MINE_KEY": "x"}) == [
        "environment: TICKER_SOURCES_MINE_KEY: mine takes no key"
    ]


def test_the_environment_is_stronger_here_too(own):
    """Every key of it is a variable; a source cannot be made by variables alone."""
    environ = {"TICKER_SOURCES_MINE_PRICE": "p", "TICKER_SOURCES_MINE_ENABLED": "false"}
    assert load(own, environ).sources["mine"].idle == "switched off: enabled = false"
    assert load(own, environ).version != load(own, {"TICKER_SOURCES_MINE_ENABLED": "false"}).version
    assert sentences(own, {"TICKER_SOURCES_MINE_PRICE": "["})[0].startswith(
        "environment: TICKER_SOURCES_MINE_PRICE = '['"
    )
    assert "unknown variable" in sentences(own, {"TICKER_SOURCES_YOURS_KIND": "json"})[0]


def test_a_private_address(folder):
    """Plain http and private hosts only where the source itself says so, in whatever layer."""
    (folder / "ticker.toml").write_text(OWN.replace("https://api.example.org", "http://10.0.0.7:8080"))
    assert "http is for sources with allow_private" in sentences(folder)[0]
    allowed = load(folder, {"TICKER_SOURCES_MINE_ALLOW_PRIVATE": "true"})
    assert allowed.sources["mine"].base_url == "http://10.0.0.7:8080"
    assert sentences(folder, {"TICKER_SOURCES_MINE_ALLOW_PRIVATE": "maybe"})[-1].endswith("must be true or false")


def test_another_base_address(own):
    """A mirror can stand in for it as for any source."""
    config = load(own, {"TICKER_SOURCES_MINE_BASE_URL": "https://mirror.example.org/mine"})
    assert config.sources["mine"].base_url == "https://mirror.example.org/mine"


def test_a_fixed_address_prices_one_coin(own):
    """Two coins from one address without rows would have one price: the second is refused, by its line."""
    (own / "ticker.toml").write_text(OWN.replace("{id}", "openvc"))
    assert check(own, {}) == []
    with (own / "coins.toml").open("a") as file:
        file.write('[coins.other]\nname = "Other"\nsymbol = "OTH"\nids = { mine = "other" }\n')
    assert sentences(own) == [
        "coins.toml:22: coins.other.ids.mine = 'other': mine prices one coin, \"openvoicecoin\"; "
        "for more, its url needs {id}, or it needs rows"
    ]


def test_a_call_for_each_coin_has_a_limit(own):
    """Thirty calls a turn are the most; rows have no limit."""
    with (own / "coins.toml").open("a") as file:
        for number in range(30):
            file.write(f'[coins.c{number}]\nname = "C"\nsymbol = "C"\nids = {{ mine = "id{number}" }}\n')
    (found,) = sentences(own)
    assert found.startswith("coins.toml:138: coins.c29.ids.mine = 'id29': one too many: mine asks once for each id")
    (own / "ticker.toml").write_text(OWN.replace("/{id}", "") + 'rows = "@"\n')
    assert check(own, {}) == []


def test_a_wrong_source_makes_no_second_error(own):
    """One mistake in a source is one sentence, not one more for every coin that names it."""
    (own / "ticker.toml").write_text(OWN.replace('"data.price"', '"["'))
    assert [sentence.split(":")[0] for sentence in sentences(own)] == ["ticker.toml"]


def test_the_moment_of_a_confirmation(folder):
    """A coin's `confirmed` arrives as seconds since 1970, from any offset."""
    path = folder / "coins.toml"
    path.write_text(path.read_text().replace("ids =", "confirmed = 2026-11-22T12:00:00+02:00\nids =", 1))
    assert load(folder, {}).coins[0].confirmed == datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()
    assert load(folder, {}).coins[1].confirmed is None


def test_what_may_be_asked(folder):
    """A source without a coin may be asked all the same; one that is off, forbidden or without its key may not."""
    (folder / "ticker.toml").write_text("[sources.okx]\nenabled = false\n")
    config = load(folder, {})
    assert "coinlore" in config.usable_sources()
    assert not {"okx", "coinmarketcap"} & set(config.usable_sources())
    assert set(config.active_sources()) <= set(config.usable_sources())


def test_a_text_in_the_place_of_the_file(folder):
    """What is to be written can be judged before it is."""
    text = (folder / "coins.toml").read_text()
    assert check(folder, {}, coins=text) == []
    (error,) = check(folder, {}, coins=text.replace('"Bitcoin"', '""'))
    assert (error.file, error.line, error.reason) == (str(folder / "coins.toml"), 4, "must not be empty")
    assert check(folder, {}, coins="[")[0].key == "syntax"


def test_what_the_handbook_shows_is_valid(folder):
    """The three sources of docs/ops.md, and the one in the comments of the shipped ticker.toml."""
    handbook = (Path(__file__).parents[2] / "docs" / "ops.md").read_text()
    block = handbook.partition("```toml\n")[2].partition("```")[0]
    comments = (shipped_folder() / "ticker.toml").read_text().partition("# [sources.mine]")
    shipped = "".join(line.removeprefix("# ") for line in "".join(comments[1:]).splitlines(keepends=True))
    for text, names in ((block, ["openvc", "mine", "board"]), (shipped, ["mine"])):
        (folder / "ticker.toml").write_text(text)
        assert check(folder, {}) == []
        assert [name for name, source in load(folder, {}).registry.items() if source.own] == names


def test_the_handbook_names_every_setting():
    """What can be stated of a source of one's own stands in docs/ops.md."""
    handbook = (Path(__file__).parents[2] / "docs" / "ops.md").read_text().partition("## A source of your own")[2]
    assert [key for key in OWN_KINDS if f"`{key}`" not in handbook and f"{key} = " not in handbook] == []

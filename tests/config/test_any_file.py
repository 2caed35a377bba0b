"""Whatever stands in the files, the answer is a list of refusals and never an accident."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticker.config import SECTIONS, SOURCE_KINDS, check, load
from ticker.config import settings as all_settings
from ticker.config.own_kinds import OWN_KINDS
from ticker.errors import ConfigError

WORDS = st.sampled_from(
    [
        "bitcoin",
        "tether",
        "usd-coin",
        "BTC",
        "BTC/USD",
        "json",
        "a.b[0]",
        "https://api.example.org/{id}",
        "kraken",
        "coingecko",
        "coinlore",
        "90",
        "1%",
        "2s",
        "embedded:",
        "*",
        "://",
        "redis://",
        "https://example.org",
        "http://[::1",
        "",
        "a b",
        "x" * 300,
        "\u202e",
    ]
)
SCALARS = WORDS | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8) | st.integers() | st.booleans()
VALUES = SCALARS | st.floats() | st.lists(SCALARS, max_size=3) | st.dictionaries(WORDS, SCALARS, max_size=3)
NAMES = st.sampled_from([one.name for one in all_settings()] + [*SOURCE_KINDS, *OWN_KINDS, "key", "kraken", "mine"])
TICKER = st.dictionaries(
    st.sampled_from([*SECTIONS, "sources", "else"]),
    VALUES | st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=4), max_size=4),
)
COIN = st.dictionaries(
    st.sampled_from(["name", "symbol", "icon", "link", "tolerance", "fixed", "confirmed", "ids"]), VALUES
)
COINS = st.fixed_dictionaries({"show": VALUES, "coins": VALUES | st.dictionaries(WORDS, VALUES | COIN, max_size=5)})


def written(value):
    """A value as TOML on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{written(key)} = {written(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(written(one) for one in value) + "]"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bool():
            return str(value).lower()
        case _:
            return repr(value)


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A folder whose files are written anew for every example."""
    return tmp_path_factory.mktemp("config")


@settings(max_examples=150, deadline=None)
@given(ticker=TICKER, coins=COINS)
def test_any_files(spoiled, ticker, coins):
    """Every refusal names its file, a line of it, and is one printable line; load agrees with check."""
    for name, content in (("ticker.toml", ticker), ("coins.toml", coins)):
        text = "".join(f"{written(key)} = {written(one)}\n" for key, one in content.items())
        (spoiled / name).write_text(text, encoding="utf-8")
    found = check(spoiled, {})
    for error in found:
        assert error.file in {str(spoiled / "ticker.toml"), str(spoiled / "coins.toml")}
        assert error.line is None or 1 <= error.line <= len(ticker) + len(coins)
        assert str(error).isprintable(), str(error)
    if found:
        with pytest.raises(ConfigError):
            load(spoiled, {})
    else:
        assert load(spoiled, {}).version


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from([f"TICKER_{one.section}_{one.name}".upper() for one in all_settings()]), SCALARS)
)
def test_any_environment(spoiled, environ):
    """No text in the environment is an accident either."""
    texts = {name: str(value) for name, value in environ.items()}
    for error in check(spoiled, texts):
        assert error.file != "environment" or error.key in texts


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_bytes(spoiled, raw):
    """No bytes in a file are an accident either."""
    (spoiled / "ticker.toml").write_bytes(raw)
    assert isinstance(check(spoiled, {}), list)

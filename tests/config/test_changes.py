"""What is other in a configuration, in sentences; and what of it a running service keeps as it was."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from service import write_config

from ticker.config import Config, load
from ticker.config.changes import MOST, changes, in_short
from ticker.config.held import held

BITCOIN = {"name": "Bitcoin", "symbol": "BTC", "ids": {"kraken": "BTC/USD", "coingecko": "bitcoin"}}
NANO = {"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}}


@pytest.fixture
def made(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Makes configurations."""

    def make(
        coins: Mapping[str, Mapping[str, object]],
        *show: str,
        settings: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> Config:
        folder = write_config(tmp_path / "config", coins, show)  # type: ignore[arg-type]
        (folder / "ticker.toml").write_text(settings)
        return load(folder, environ or {})

    return make


def test_coins(made) -> None:  # type: ignore[no-untyped-def]
    """New, gone, and every fact of one that is other."""
    other = {**NANO, "symbol": "XNO", "ids": {"kraken": "XNO/USD", "okx": "XNO-USDT"}}
    before, after = (
        made({"bitcoin": BITCOIN, "nano": NANO}),
        made({"nano": other, "ark": {**NANO, "ids": {"htx": "arkusdt"}}}),
    )
    assert changes(before, before) == []
    assert changes(before, after)[:3] == [
        "ark is new: Nano (NANO), on htx",
        "bitcoin is gone",
        'nano: symbol "NANO" → "XNO", kraken NANO/USD → XNO/USD, on okx XNO-USDT',
    ]
    assert 'nano: symbol "XNO" → "NANO", kraken XNO/USD → NANO/USD, no longer on okx' in changes(after, before)


def test_the_list(made) -> None:  # type: ignore[no-untyped-def]
    """What comes into it, what leaves it, and another order."""
    coins = {"bitcoin": BITCOIN, "nano": NANO}
    assert changes(made(coins, "bitcoin"), made(coins, "nano")) == [
        "in the list now: nano",
        "no longer in the list: bitcoin",
    ]
    assert changes(made(coins, "bitcoin", "nano"), made(coins, "nano", "bitcoin")) == [
        "the list in another order: nano, bitcoin"
    ]


def test_sources_and_settings(made) -> None:  # type: ignore[no-untyped-def]
    """Intervals, switches, other addresses, settings; a secret is not told."""
    coins = {"bitcoin": BITCOIN}
    settings = (
        '[sources.kraken]\nevery = "90s"\n[display]\ncurrency = "eur"\n[server]\ncors_origins = ["https://a.example"]\n'
    )
    off = "[sources.kraken]\nenabled = false\n"
    plain = made(coins)
    told = changes(
        plain, made(coins, settings=settings, environ={"TICKER_ALERTS_WEBHOOK": "https://a.example/planted"})
    )
    assert told == [
        "kraken: every 1m → 90s",
        "server.cors_origins [*] → [https://a.example]",
        'display.currency "usd" → "eur"',
        "another alerts.webhook",
    ]
    assert changes(plain, made(coins, settings=off)) == ["kraken is not polled now: switched off: enabled = false"]
    assert changes(made(coins, settings=off), plain) == ["kraken is polled now"]
    own = '[sources.mine]\nkind = "json"\nurl = "https://a.example/{}"\nprice = "{}"\ncurrency = "usd"\n'
    one, two = (made(coins, settings=own.format("x", path)) for path in ("a", "b"))
    assert changes(one, two) == ["mine: described otherwise"]
    assert changes(plain, one) == ["the source mine is new"]


def test_a_line_has_an_end() -> None:
    """Many changes are one line of a log all the same."""
    assert in_short(["a", "b"]) == "a; b"
    assert in_short([str(one) for one in range(MOST + 3)]).endswith("; 7; and 3 more")


def test_what_stays_as_it_was(made) -> None:  # type: ignore[no-untyped-def]
    """Settings that need a restart keep their values; sources made in the same way are the same values."""
    own = '[sources.mine]\nkind = "json"\nurl = "https://a.example/x"\nprice = "{}"\ncurrency = "usd"\n'
    coins = {"bitcoin": {**BITCOIN, "ids": {"kraken": "BTC/USD", "mine": "mine"}}}
    before, same = (made(coins, settings=own.format("a")) for _ in range(2))
    assert held(same, before) == (before, ())
    other = made(coins, settings=own.format("b") + '[server]\nhost = "0.0.0.0"\n[history]\nkeep = "30d"\n')
    new, waiting = held(other, before)
    assert waiting == ("server.host", "history.keep")
    assert (new.server, new.history) == (before.server, before.history)
    assert new.registry["mine"] != before.registry["mine"]

"""Finding coins by a text, and the ids of a coin by its price: a symbol alone never makes a match."""

from decimal import Decimal

import pytest
from sayings import aggregator, row, venue

from ticker.identity import propose, search
from ticker.sources import Row, Source

SOURCES: dict[str, Source] = {
    "coingecko": aggregator("coingecko", batch=250),
    "coinpaprika": aggregator("coinpaprika"),
    "kraken": venue("kraken"),
    "okx": venue("okx"),
}
RATES = {"usd": Decimal(1), "tether": Decimal("0.999")}
BTG = row("bitcoin-gold", "459", name="Bitcoin Gold", symbol="btg")


def proposed(coin: Row, **listed: tuple[Row, ...]) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The ids, and what was refused with its reason."""
    found = propose(coin, listed, SOURCES, RATES)
    return found.ids, [(one.source, one.id, one.reason) for one in found.refused]


def test_a_market_at_the_coin_s_price() -> None:
    """The venue's market of that symbol is taken when it costs the same, the one in dollars before others."""
    ids, refused = proposed(
        BTG,
        kraken=(row("BTG/USDT", "459", "tether"), row("BTG/USD", "460")),
        okx=(row("BTG/USDT", "459.5", "tether"), row("BTC/USDT", "459", "tether")),
    )
    assert (ids, refused) == ({"kraken": "BTG/USD", "okx": "BTG/USDT"}, [])


def test_the_same_symbol_of_another_coin() -> None:
    """Bitgem at $7.05 is not Bitcoin Gold, whatever its symbol; it is told and not taken."""
    ids, ((source, one, reason),) = proposed(BTG, kraken=(row("BTG/USD", "7.05"),))
    assert (ids, source, one) == ({}, "kraken", "BTG/USD")
    assert reason == "price disagrees, $7.05 there and $459 on CoinGecko (another coin of that symbol?)"


@pytest.mark.parametrize(("price", "taken"), [("468", True), ("469", False), ("450", True), ("449", False)])
def test_two_percent(price: str, taken: bool) -> None:
    """Within 2 % of CoinGecko's price is the same, further is not."""
    assert bool(proposed(BTG, kraken=(row("BTG/USD", price),))[0]) == taken


def test_an_aggregator_needs_the_name_too() -> None:
    """Symbol, name and price; a different name at the same price is for a person to decide."""
    same = row("btg-bitcoin-gold", "459", name="Bitcoin Gold", symbol="BTG")
    assert proposed(BTG, coinpaprika=(same, row("btg-bitgem", "7.05", name="Bitgem", symbol="BTG")))[0] == {
        "coinpaprika": "btg-bitcoin-gold"
    }
    _, ((_, _, reason),) = proposed(BTG, coinpaprika=(row("btg-x", "459", name="BGold", symbol="BTG"),))
    assert reason == "it is called BGold there; if it is the same coin, add it by hand"


def test_two_that_fit_are_none() -> None:
    """Where an aggregator has two coins that fit in everything, neither is taken."""
    two = (row("a", "459", name="Bitcoin Gold", symbol="BTG"), row("b", "460", name="Bitcoin-Gold", symbol="BTG"))
    ids, refused = proposed(BTG, coinpaprika=two)
    assert ids == {}
    assert {reason for _, _, reason in refused} == {"two coins there fit; add the right one by hand"}


def test_the_other_symbol_of_the_coin() -> None:
    """Kraken's NANO is CoinGecko's xno, and costs the same; xeno-token's market of that symbol does not."""
    nano = row("nano", "0.82", name="Nano", symbol="xno")
    assert proposed(nano, kraken=(row("NANO/USD", "0.821"),), okx=(row("XNO/USDT", "0.82", "tether"),))[0] == {
        "kraken": "NANO/USD",
        "okx": "XNO/USDT",
    }
    assert proposed(nano, okx=(row("XNO/USDT", "0.002", "tether"),))[0] == {}


@pytest.mark.parametrize(
    ("coin", "market", "reason"),
    [
        (BTG, row("BTG/USD", "0"), "no price there (delisted?)"),
        (BTG, row("BTG/USD", None), "no price there (delisted?)"),
        (BTG, row("BTG/USDC", "459", "usd-coin"), "no price for usd-coin to compare it by"),
        (row("x", None, name="X", symbol="btg"), row("BTG/USD", "1"), "CoinGecko has no price to compare it by"),
    ],
)
def test_what_cannot_be_compared(coin: Row, market: Row, reason: str) -> None:
    """Without two prices in one currency there is no match."""
    assert proposed(coin, kraken=(market,)) == ({}, [("kraken", market.id, reason)])


def test_searching() -> None:
    """The whole symbol first, under its other name too, then whole names, beginnings, and the rest."""
    listed = {
        "coingecko": (
            row("banano", None, name="Banano", symbol="ban"),
            row("nano", "0.82", name="Nano", symbol="xno"),
            row("nanobyte", None, name="NanoByte", symbol="nbt"),
            row("xeno-token", None, name="Xeno", symbol="xno"),
            row("bitcoin", "65000", name="Bitcoin", symbol="btc"),
        ),
        "kraken": (row("NANO/USD", "0.82"), row("NANO/USDT", "0.82", "tether"), Row("NANO/EUR", Decimal(1), None)),
    }
    hits = search(" NANO ", listed, SOURCES, RATES)
    assert [hit.id for hit in hits["coingecko"]] == ["nano", "xeno-token", "nanobyte", "banano"]
    assert [(hit.id, hit.symbol, hit.dollars) for hit in hits["kraken"]] == [
        ("NANO/USD", "NANO", Decimal("0.82")),
        ("NANO/USDT", "NANO", Decimal("0.81918")),
    ]
    assert [hit.id for hit in search("bitcoin", listed, SOURCES, RATES)["coingecko"]] == ["bitcoin"]
    assert search("no such", listed, SOURCES, RATES) == {"coingecko": [], "kraken": []}

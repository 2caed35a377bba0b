"""CoinPaprika: its recorded answers, read by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all coins."""
    assert REGISTRY["coinpaprika"].requests(["btc-bitcoin"]) == [Request("/v1/tickers", (("quotes", "USD"),))]


def test_whole_list(quoted: Any, recording: Any) -> None:
    """Of 3,795 coins the wanted ones, by id and never by symbol, down to a price of 3.84e-18."""
    body = recording("coinpaprika/tickers_usd_all_2021-08-12.json")
    found = quoted("coinpaprika", body, "btc-bitcoin", "ark-ark", "arrr-pirate", "tiktok-tiktok-coin", "xno-nano")
    assert set(found) == {"btc-bitcoin", "ark-ark", "arrr-pirate", "tiktok-tiktok-coin"}
    bitcoin = found["btc-bitcoin"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (
        Decimal("44456.514304206"),
        Decimal("-4.01"),
        "usd",
    )
    assert (bitcoin.change_1h, bitcoin.change_7d) == (Decimal("0.41"), Decimal("8.16"))
    assert (bitcoin.volume_24h, bitcoin.market_cap) == (Decimal("42325120266.691"), Decimal(835075076863))
    assert bitcoin.at == datetime(2021, 8, 12, 19, 6, 4, tzinfo=UTC).timestamp()
    assert (found["ark-ark"].price, found["ark-ark"].change_24h) == (Decimal("1.2240367633114"), Decimal("-5.43"))
    pirate = found["arrr-pirate"]
    assert (pirate.price, pirate.change_24h) == (Decimal("3.9358632918808"), Decimal("0.98"))
    assert (pirate.name, pirate.symbol) == ("Pirate", "ARRR")
    assert pirate.at == datetime(2021, 8, 12, 19, 5, 23, tzinfo=UTC).timestamp()
    assert found["tiktok-tiktok-coin"].price == Decimal("3.84e-18")


def test_every_recorded_id_is_an_id(recording: Any) -> None:
    """The pattern of ids fits every id that was ever seen."""
    source = REGISTRY["coinpaprika"]
    body = recording("coinpaprika/tickers_usd_all_2021-08-12.json")
    ids = {part.split(b'"')[0].decode() for part in body.split(b'{"id":"')[1:]}
    assert len(ids) == 3795
    assert [one for one in ids if not source.id_pattern.fullmatch(one)] == []


def test_one_coin(quoted: Any, recording: Any) -> None:
    """A row asked for alone reads like a row of the list."""
    body = b"[" + recording("coinpaprika/tickers_btc-bitcoin_2022-01-30.json") + b"]"
    bitcoin = quoted("coinpaprika", body, "btc-bitcoin")["btc-bitcoin"]
    assert (bitcoin.price, bitcoin.change_24h) == (Decimal("38001.009348956"), Decimal("0.78"))
    assert bitcoin.at == datetime(2022, 1, 30, 18, 33, 33, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("file", "error"),
    [("error_404_id_not_found", NotFound), ("global", Malformed), ("tickers_btc-bitcoin_2022-01-30", Malformed)],
)
def test_errors(file: str, error: type[Exception], quoted: Any, recording: Any) -> None:
    """An unknown id is its own error; an object that is neither a list nor an error is malformed."""
    with pytest.raises(error, match=r"^coinpaprika: "):
        quoted("coinpaprika", recording(f"coinpaprika/{file}.json"), "btc-bitcoin")


def test_unknown_error(quoted: Any) -> None:
    """An error nobody has seen is malformed, with its words kept."""
    with pytest.raises(Malformed, match="maintenance"):
        quoted("coinpaprika", b'{"error": "maintenance"}', "btc-bitcoin")

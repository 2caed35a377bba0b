"""CoinGecko: its recorded answers, read by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited, Refused
from ticker.sources import REGISTRY, Request

SOURCE = REGISTRY["coingecko"]


def test_request() -> None:
    """One call names up to 250 ids, asks dollars and three periods; the key has one header per plan."""
    assert SOURCE.requests(["bitcoin", "nano"]) == [
        Request(
            "/api/v3/coins/markets",
            (
                ("vs_currency", "usd"),
                ("ids", "bitcoin,nano"),
                ("per_page", "250"),
                ("price_change_percentage", "1h,24h,7d"),
                ("sparkline", "false"),
            ),
        )
    ]
    assert [(plan.name, plan.base_url, plan.key_header) for plan in SOURCE.plans] == [
        ("keyless", "https://api.coingecko.com", None),
        ("demo", "https://api.coingecko.com", "x-cg-demo-api-key"),
        ("pro", "https://pro-api.coingecko.com", "x-cg-pro-api-key"),
    ]
    assert SOURCE.credit == ("Data provided by CoinGecko", "https://www.coingecko.com")


@pytest.mark.parametrize("file", ["coins_markets_usd_top250_2022-02-23", "coins_markets_usd_per_page_251_returns_250"])
def test_large_lists(file: str, quoted: Any, recording: Any) -> None:
    """Of 250 rows each wanted coin has its own price, change, time, name and symbol; tiny prices keep their digits."""
    body = recording(f"coingecko/{file}.json")
    found = quoted("coingecko", body, "bitcoin", "nano", "waves", "shiba-inu", "pirate-chain")
    assert set(found) == {"bitcoin", "nano", "waves", "shiba-inu"}
    bitcoin = found["bitcoin"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (Decimal(38938), Decimal("3.47958"), "usd")
    assert bitcoin.change_1h == Decimal("-0.0756813804723409")
    assert bitcoin.change_7d == Decimal("-12.644969130550665")
    assert bitcoin.at == datetime(2022, 2, 23, 11, 30, 23, 307_000, tzinfo=UTC).timestamp()
    assert (bitcoin.low_24h, bitcoin.high_24h) == (Decimal(37484), Decimal(39052))
    assert (bitcoin.volume_24h, bitcoin.market_cap) == (Decimal(19584692179), Decimal(738310755630))
    assert (bitcoin.name, bitcoin.symbol) == ("Bitcoin", "btc")
    assert (found["nano"].price, found["nano"].symbol) == (Decimal("2.04"), "xno")
    assert (found["waves"].price, found["waves"].change_24h) == (Decimal("9.6"), Decimal("9.17889"))
    assert str(found["shiba-inu"].price) == "0.00002673"


@pytest.mark.parametrize(
    ("file", "price", "change"),
    [
        ("coins_markets_sparkline_one_row_2026-02-17", "67291", "-0.32893"),
        ("coins_markets_page_of_one", "38938", "3.47958"),
        ("coins_markets_docs_example", "77671", "-0.95302"),
        ("coins_markets_two_ids_in_eth", "12.666344", "2.43876"),
        ("coins_markets_btc_in_myr", "202369", "-4.37931"),
    ],
)
def test_small_lists(file: str, price: str, change: str, quoted: Any, recording: Any) -> None:
    """Every other recording of the list reads alike, with and without the periods that were not asked for."""
    bitcoin = quoted("coingecko", recording(f"coingecko/{file}.json"), "bitcoin")["bitcoin"]
    assert (bitcoin.price, bitcoin.change_24h) == (Decimal(price), Decimal(change))
    assert bitcoin.at is not None
    assert bitcoin.at > datetime(2021, 5, 15, tzinfo=UTC).timestamp()


def test_empty_page(quoted: Any, recording: Any) -> None:
    """A page past the end is an empty list: no quotes, no error."""
    assert quoted("coingecko", recording("coingecko/coins_markets_empty_page.json"), "bitcoin") == {}


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("error_429_rate_limit", RateLimited),
        ("error_404_coin_not_found", NotFound),
        ("error_422_missing_ids", Malformed),
        ("error_422_missing_vs_currency", Malformed),
        ("simple_price_3coins_usd", Malformed),
        ("simple_price_3coins_eth", Malformed),
        ("simple_price_docs_example", Malformed),
        ("simple_price_space_in_ids", Malformed),
        ("simple_price_unknown_vs_currency", Malformed),
        ("simple_price_with_market_cap", Malformed),
        ("coins_list_2025-08-03", Malformed),
        ("coins_list_docs_example", Malformed),
        ("coins_bitcoin_sparkline_2022-01-31", Malformed),
        ("exchange_rates_docs_example_2026", Malformed),
        ("ping_docs_example", Malformed),
    ],
)
def test_errors(file: str, error: type[Exception], quoted: Any, recording: Any) -> None:
    """An error inside the body has its class even with HTTP 200; an answer to another question is malformed."""
    with pytest.raises(error, match=r"^coingecko: "):
        quoted("coingecko", recording(f"coingecko/{file}.json"), "bitcoin")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"status": {"error_code": 10002, "error_message": "API Key Missing"}}', Refused),
        (b'{"status": {"error_code": 1020}}', Refused),
        (b'{"status": {"error_code": 500, "error_message": "Internal"}}', Malformed),
        (b'{"error": "coin not found"}', NotFound),
    ],
)
def test_errors_of_keys(body: bytes, error: type[Exception], quoted: Any) -> None:
    """A bad key is a refusal, and so is the block of its CDN."""
    with pytest.raises(error):
        quoted("coingecko", body, "bitcoin")


def test_the_list_of_all_coins(recording: Any) -> None:
    """Every coin by id, symbol and name, without prices: two coins share xno, and only the ids tell them apart."""
    assert SOURCE.listing is not None
    rows = list(SOURCE.listing.parse(recording("coingecko/coins_list_2025-08-03.json")))
    assert len(rows) == 17_892
    assert {(row.id, row.name) for row in rows if row.symbol == "xno"} == {("nano", "Nano"), ("xeno-token", "Xeno")}
    assert all(row.price is None for row in rows)
    assert (SOURCE.listing.request, SOURCE.listing.max_body) == (Request("/api/v3/coins/list"), 8 * 2**20)


def test_the_list_refused(recording: Any) -> None:
    """The rate limit comes for the list as for the prices."""
    assert SOURCE.listing is not None
    with pytest.raises(RateLimited):
        list(SOURCE.listing.parse(recording("coingecko/error_429_rate_limit.json")))


def test_the_hours_of_seven_days(recording: Any) -> None:
    """The same list with a line of hours: its exact digits, without times; 168 as recorded."""
    archive = SOURCE.archive
    assert archive is not None
    asked = archive.request(["bitcoin", "nano"])
    assert (asked.path, dict(asked.query)["ids"]) == ("/api/v3/coins/markets", "bitcoin,nano")
    assert dict(asked.query)["sparkline"] == "true"
    body = recording("coingecko/coins_markets_sparkline_one_row_2026-02-17.json")
    (week,) = archive.parse(body, {"bitcoin"})
    assert (week.id, week.price, week.change_24h, len(week.prices)) == ("bitcoin", 67291, Decimal("-0.32893"), 168)
    assert week.prices[0] == Decimal("68543.23050244208")
    assert week.at == datetime(2026, 2, 17, 15, 56, 31, 631_000, tzinfo=UTC).timestamp()
    assert list(archive.parse(body, {"nano"})) == []


@pytest.mark.parametrize("line", ["null", '{"price": null}', "{}", "[]", '"x"', None])
def test_a_coin_without_hours_is_left_out(line: str | None) -> None:
    """It costs the others nothing; a hole in a line is None."""
    archive = SOURCE.archive
    assert archive is not None
    row = '{{"id": "{}", "current_price": 1, "last_updated": "2026-02-17T15:56:31.631Z"{}}}'
    without = row.format("odd", "" if line is None else f', "sparkline_in_7d": {line}')
    good = row.format("good", ', "sparkline_in_7d": {"price": [1.5, null, 4.37e-06, "x"]}')
    (week,) = archive.parse(f"[{without}, {good}]".encode(), {"odd", "good"})
    assert (week.id, week.prices) == ("good", (Decimal("1.5"), None, Decimal("0.00000437"), None))


def test_errors_instead_of_hours(recording: Any) -> None:
    """As where prices are asked for."""
    archive = SOURCE.archive
    assert archive is not None
    with pytest.raises(RateLimited):
        list(archive.parse(recording("coingecko/error_429_rate_limit.json"), {"bitcoin"}))

"""What the encoders write is what the adapters read: two readings of the same documents, made apart."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask, View
from ticker.simulate.faults import parse
from ticker.simulate.market import Market, Tick
from ticker.simulate.server import Simulation
from ticker.sources import REGISTRY, Row

NOW = 1_795_000_020.25
EXACT = Decimal(0)

IDS = {
    "coingecko": ["bitcoin", "tether", "pepe"],
    "coinpaprika": ["btc-bitcoin", "usdt-tether", "pepe-pepe"],
    "coinlore": ["90", "518", "93845"],
    "coinmarketcap": ["1", "825", "24478"],
    "kraken": ["BTC/USD", "USDT/USD", "PEPE/USDT"],
    "coinbase": ["BTC-USD", "USDT-USD", "PEPE-USDC"],
    "okx": ["BTC-USDT", "USDT-USDC", "PEPE-USDT"],
    "kucoin": ["BTC-USDT", "USDT-USDC", "PEPE-USDT"],
    "gateio": ["BTC_USDT", "USDT_USDC", "PEPE_USDT"],
    "binance": ["BTCUSDT", "USDTUSDC", "PEPEUSDT"],
    "mexc": ["BTCUSDT", "USDTUSDC", "PEPEUSDT"],
    "htx": ["btcusdt", "usdtusdc", "pepeusdt"],
    "bitfinex": ["tBTCUSD", "tUSTUSD", "tPEPE:UST"],
    "bitstamp": ["BTC/USD", "USDT/USD", "PEPE/USD"],
    "ecb": ["EUR", "GBP", "JPY"],
    "frankfurter": ["EUR", "IDR", "CHF"],
    "openerapi": ["EUR", "XDR", "LBP"],
    "coingeckorates": ["EUR", "XAU", "LBP"],
}
MEANT = {source: ["bitcoin", "tether", "pepe"] for source in IDS}
MEANT |= {name: [one.lower() for one in IDS[name]] for name, source in REGISTRY.items() if source.of == "currencies"}


@dataclass(frozen=True)
class Rounding:
    """How far an answer may be from what was meant: prices relative, changes in percent, times in seconds."""

    price: Decimal = EXACT
    change: Decimal | None = EXACT
    at: float | None = None
    short_changes: bool = False
    range: bool = True
    volume: bool = True


PERCENT_2, FRACTION_4 = Decimal("0.005"), Decimal("0.005")
RATE = Rounding(Decimal("0.00002"), change=None, at=86_400, range=False, volume=False)
ROUNDING = {
    "coingecko": Rounding(Decimal("0.00001"), Decimal("0.000005"), 0.001, short_changes=True),
    "coinpaprika": Rounding(change=PERCENT_2, at=1, short_changes=True, range=False),
    "coinlore": Rounding(Decimal("0.00001"), PERCENT_2, 1, short_changes=True, range=False),
    "coinmarketcap": Rounding(change=Decimal("1e-8"), at=0.001, short_changes=True, range=False),
    "kraken": Rounding(change=None),
    "coinbase": Rounding(),
    "okx": Rounding(at=0.001),
    "kucoin": Rounding(change=FRACTION_4, at=0.001),
    "gateio": Rounding(change=PERCENT_2),
    "binance": Rounding(change=Decimal("0.0005"), at=0.001),
    "mexc": Rounding(change=FRACTION_4, at=0.001),
    "htx": Rounding(at=0.001),
    "bitfinex": Rounding(change=Decimal("5e-7")),
    "bitstamp": Rounding(change=PERCENT_2, at=1),
    "ecb": RATE,
    "frankfurter": RATE,
    "openerapi": replace(RATE, at=1),
    "coingeckorates": replace(RATE, at=None),
}

every_source = pytest.mark.parametrize("source", sorted(DIALECTS))


def view_of(source: str, *, seed: int = 1, at: float = NOW, fault: str = "") -> View:
    """What the source sees of three coins."""
    market, dialect = Market(seed), DIALECTS[source]
    ticks = [
        market.rate(one, coin, at, source=source)
        if dialect.of == "currencies"
        else market.tick(one, coin, at, currency=dialect.currency_of(one), source=source)
        for one, coin in zip(IDS[source], MEANT[source], strict=True)
    ]
    return View([parse(fault).bend(tick) for tick in ticks] if fault else ticks, at)


def encoded(source: str, view: View) -> bytes:
    """The answer to what the adapter asks."""
    request = REGISTRY[source].request(IDS[source])
    dialect = DIALECTS[source]
    assert request.path == dialect.path
    headers = {"x-cmc_pro_api_key": "simulated"} | {name.lower(): value for name, value in request.headers}
    reply = dialect.encode(view, Ask(dict(request.query), headers))
    assert reply.status == 200
    return reply.body


def read(source: str, body: bytes) -> dict[str, Row]:
    """What the adapter reads in it."""
    return {row.id: row for row in REGISTRY[source].parse(body, set(IDS[source]))}


def close(got: Decimal | None, meant: Decimal, within: Decimal) -> bool:
    """Whether a number came through; `within` is absolute."""
    return got is not None and abs(got - meant) <= within


def test_dialects_are_those_of_the_registry() -> None:
    """Every source that the service can ask has a stand-in, and no other has."""
    assert list(DIALECTS) == list(REGISTRY)
    assert {name: dialect.of for name, dialect in DIALECTS.items()} == {name: s.of for name, s in REGISTRY.items()}


@every_source
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), at=st.floats(1.6e9, 2e9))
def test_what_is_written_is_what_is_read(source: str, seed: int, at: float) -> None:
    """The adapter reads every market with its price, currency, time and changes, within the dialect's rounding."""
    view = view_of(source, seed=seed, at=at)
    rows = read(source, encoded(source, view))

    assert rows.keys() == {tick.id for tick in view.ticks}
    for tick in view.ticks:
        check(rows[tick.id], tick, ROUNDING[source])


def check(row: Row, tick: Tick, rounding: Rounding) -> None:
    """One row says what the market said."""
    assert close(row.price, tick.price, tick.price * rounding.price)
    assert row.currency == tick.currency
    if rounding.at is None:
        assert row.at is None
    else:
        assert row.at is not None
        assert abs(row.at - tick.at) <= rounding.at
    if rounding.change is None:
        assert row.change_24h is None
    else:
        assert close(row.change_24h, tick.change_24h, rounding.change + Decimal("1e-20"))
    if rounding.short_changes:
        assert close(row.change_1h, tick.change_1h, Decimal("0.005"))
        assert close(row.change_7d, tick.change_7d, Decimal("0.005"))
        assert close(row.market_cap, tick.market_cap, Decimal("0.5"))
        assert (row.name, (row.symbol or "").upper()) == (tick.name, tick.symbol)
    if rounding.range:
        assert close(row.high_24h, tick.day.high, tick.day.high * rounding.price)
        assert close(row.low_24h, tick.day.low, tick.day.low * rounding.price)
    # Some adapters take the volume at the last price, where no average is given.
    assert not rounding.volume or close(row.volume_24h, tick.day.turnover, tick.day.turnover / 3)


@every_source
def test_a_wrong_price_is_written_as_such(source: str) -> None:
    """Zero, negative and ten times too large arrive as they are; the adapter has to see through them."""
    true = {tick.id: tick.price for tick in view_of(source).ticks}
    for fault, factor in (("zero", 0), ("negative", -1), ("scale:10", 10)):
        rows = read(source, encoded(source, view_of(source, fault=fault)))
        for one, price in true.items():
            if factor <= 0 and REGISTRY[source].of == "currencies":  # nothing can be divided by it
                assert rows[one].price is None
                continue
            assert close(rows[one].price, price * factor, price * ROUNDING[source].price * 10)


@every_source
def test_no_number_is_written_as_nan(source: str) -> None:
    """A price that is none stands as the token NaN, in the dialect's own place for prices."""
    body = encoded(source, view_of(source, fault="nan"))
    assert b"NaN" in body
    assert b"NaN" not in encoded(source, view_of(source))


@every_source
def test_prices_as_large_as_faults_make_them_are_still_written(source: str) -> None:
    """A price a million million times too large is an answer, not a crash; a thousandth of it is one too."""
    for fault in ("scale:1000000000000", "scale:0.000000000001"):
        rows = read(source, encoded(source, view_of(source, fault=fault)))
        assert len(rows) == len(MEANT[source])


def test_extra_rows_are_written_and_not_read() -> None:
    """Funding rows, perpetuals, leveraged tokens and delisted markets stand in the answers; no adapter takes them."""
    assert b'"fUSD"' in encoded("bitfinex", view_of("bitfinex"))
    assert b'"BTC/USD-PERP"' in encoded("bitstamp", view_of("bitstamp"))
    assert b'"etf_net_value"' in encoded("gateio", view_of("gateio"))
    assert b'"lastPrice":"0.00000000"' in encoded("binance", view_of("binance"))


def asked(source: str, **query: str) -> tuple[int, object]:
    """Status and value of an answer to another query."""
    reply = DIALECTS[source].encode(view_of(source), Ask(query, {"x-cmc_pro_api_key": "simulated"}))
    return reply.status, json.loads(reply.body)


def test_coingecko_pages_and_filters() -> None:
    """`ids`, `per_page` and `page` work as documented; a missing currency is refused; a blank after a comma is not."""
    status, rows = asked("coingecko", vs_currency="usd", ids="tether, bitcoin,unknown")
    assert status == 200
    assert isinstance(rows, list)
    assert [row["id"] for row in rows] == ["bitcoin", "tether"]
    assert "price_change_percentage_1h_in_currency" not in rows[0]
    _, second = asked("coingecko", vs_currency="usd", per_page="1", page="2")
    assert isinstance(second, list)
    assert [row["id"] for row in second] == ["tether"]
    assert asked("coingecko", vs_currency="usd", page="9") == (200, [])
    assert asked("coingecko") == (422, {"error": "Missing parameter vs_currency"})
    assert asked("coingecko", vs_currency="eur")[0] == 422


def test_coingecko_draws_seven_days_where_asked() -> None:
    """168 hours, the last one now, the price of 24 hours ago among them at its place; none without being asked."""
    _, rows = asked("coingecko", vs_currency="usd", ids="bitcoin", sparkline="true", price_change_percentage="24h")
    assert isinstance(rows, list)
    line = rows[0]["sparkline_in_7d"]["price"]
    assert len(line) == 168
    assert line[-1] == pytest.approx(rows[0]["current_price"], rel=1e-4)
    before = rows[0]["current_price"] / (1 + rows[0]["price_change_percentage_24h"] / 100)
    assert line[-25] == pytest.approx(before, rel=1e-4)
    _, without = asked("coingecko", vs_currency="usd", ids="bitcoin", sparkline="false")
    assert isinstance(without, list)
    assert "sparkline_in_7d" not in without[0]


def test_coinmarketcap_wants_its_key() -> None:
    """Without a key: 401 and status error 1002, as recorded; an unknown number fails all unless it may be skipped."""
    reply = DIALECTS["coinmarketcap"].encode(view_of("coinmarketcap"), Ask({"id": "1"}))
    status = json.loads(reply.body)["status"]
    assert (reply.status, status["error_code"], status["error_message"]) == (401, 1002, "API key missing.")
    assert asked("coinmarketcap", id="1,999")[0] == 400
    assert asked("coinmarketcap")[0] == 400
    assert asked("coinmarketcap", id="1", convert="EUR")[0] == 400
    answered, value = asked("coinmarketcap", id="1,999", skip_invalid="true")
    assert answered == 200
    assert isinstance(value, dict)
    assert list(value["data"]) == ["1"]


def test_venues_refuse_what_the_real_ones_refuse() -> None:
    """An unknown pair, a missing market type, a bad symbol list: each in the venue's own words."""
    assert asked("kraken", pair="BTC/USD,NOSUCH") == (200, {"error": ["EQuery:Unknown asset pair"]})
    assert asked("okx")[0] == 400
    assert asked("okx", instType="SWAP")[1] == {"code": "0", "msg": "", "data": []}
    assert asked("bitfinex") == (500, ["error", 10020, "symbols: invalid"])
    assert asked("binance", symbols='["NOSUCH"]') == (400, {"code": -1121, "msg": "Invalid symbol."})
    assert asked("binance", symbols="[")[0] == 400
    assert asked("coinpaprika", quotes="EUR")[0] == 400


def test_venues_answer_for_part_of_their_markets() -> None:
    """A named pair, symbol or market is answered alone."""
    for source, query, only in (
        ("kraken", {"pair": "BTC/USD"}, "BTC/USD"),
        ("binance", {"symbols": '["PEPEUSDT"]'}, "PEPEUSDT"),
        ("gateio", {"currency_pair": "BTC_USDT"}, "BTC_USDT"),
        ("bitfinex", {"symbols": "tBTCUSD,tNOPE"}, "tBTCUSD"),
    ):
        reply = DIALECTS[source].encode(view_of(source), Ask(query))
        assert list(read(source, reply.body)) == [only]


def test_coinlore_pages() -> None:
    """`start` and `limit` cut the list, largest coin first."""
    _, value = asked("coinlore", start="1", limit="1")
    assert isinstance(value, dict)
    assert [row["id"] for row in value["data"]] == ["518"]
    assert value["info"] == {"coins_num": 3, "time": int(NOW)}


@pytest.mark.parametrize(
    ("source", "market"),
    [("kraken", "BTC/EUR"), ("okx", "USDT"), ("binance", "BTCFDUSD"), ("htx", "usdt"), ("bitfinex", "tBTCEUR")],
)
def test_a_market_of_another_currency_is_refused(source: str, market: str) -> None:
    """A market whose currency we have no word for is an error, not a guess."""
    with pytest.raises(ValueError, match="cannot tell the currency"):
        DIALECTS[source].currency_of(market)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-20T14:59", "2026-11-19"),
        ("2026-11-20T15:00", "2026-11-20"),
        ("2026-11-22T21:00", "2026-11-20"),  # Sunday
        ("2026-04-02T15:00", "2026-04-02"),  # the Thursday before Easter
        ("2026-04-07T14:59", "2026-04-02"),  # the Tuesday after
        ("2026-04-07T15:00", "2026-04-07"),
        ("2027-01-01T20:00", "2026-12-31"),
        ("2025-12-28T20:00", "2025-12-24"),  # Christmas on a Thursday and Friday
        ("2026-05-03T20:00", "2026-04-30"),
        ("2024-04-01T20:00", "2024-03-28"),
    ],
)
def test_the_bank_rests_when_target_does(moment: str, day: str) -> None:
    """Its newest rates are those of the last working day that has reached 16:00 CET."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
    dialect = DIALECTS["ecb"]
    view = View([], dialect.kept(at))
    assert f"time='{day}'".encode() in dialect.encode(view, Ask()).body
    assert DIALECTS["frankfurter"].kept(at) == dialect.kept(at)


def test_what_is_republished_is_the_same() -> None:
    """Frankfurter has the very digits of the ECB, from any moment on."""
    coins = {name: {"EUR": "eur", "GBP": "gbp", "CHF": "chf"} for name in ("ecb", "frankfurter")}
    simulation = Simulation(coins, seed=3, clock=lambda: NOW)
    found = [
        {row.id: row.price for row in REGISTRY[name].parse(simulation.answer(name, Ask()).body, {"EUR", "GBP", "CHF"})}
        for name in coins
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 3


def test_frankfurter_knows_one_base_here() -> None:
    """Any other is not found, in its own words; a bank without a euro has no rates."""
    reply = DIALECTS["frankfurter"].encode(view_of("frankfurter"), Ask({"base": "XXX"}))
    assert (reply.status, json.loads(reply.body)) == (404, {"message": "not found"})
    assert b"currency=" not in DIALECTS["ecb"].encode(View([], NOW), Ask()).body

"""Streams of the sources: recorded messages read by hand, the protocols' own words, and messages nobody documents.

Kraken has no recorded message of its present protocol: what is read here was written by us in its documented shape.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_tables import PAYLOADS

from ticker.errors import Malformed, NotFound, RateLimited, Refused, ServerFailed, SourceError
from ticker.sources import REGISTRY, Row, Stream, heard
from ticker.sources.base import HIGHEST_PRICE, LOWEST_PRICE

STREAMS = {name: source.stream for name, source in REGISTRY.items() if source.stream is not None}
SAID = {name: (PAYLOADS / "streams" / f"{name}.jsonl").read_bytes().splitlines() for name in STREAMS}
every_stream = pytest.mark.parametrize("name", STREAMS)


def stream(name: str) -> Stream:
    """The stream of a source that has one."""
    found = REGISTRY[name].stream
    assert found is not None
    return found


def read(name: str, message: bytes | str) -> list[Row]:
    """The rows of one message."""
    return heard(name, stream(name), message.encode() if isinstance(message, str) else message)


def recorded(recording: Callable[[str], bytes], path: str) -> list[bytes]:
    """The messages of a recording, which keeps them in a list or holds a single one."""
    found = json.loads(recording(path))
    return [json.dumps(one).encode() for one in (found if isinstance(found, list) else [found])]


def test_which_sources_stream() -> None:
    """Kraken, Coinbase and OKX, each over TLS, each with a limit of silence longer than its own signs of life."""
    assert set(STREAMS) == {"kraken", "coinbase", "okx"}
    for one in STREAMS.values():
        assert one.url.startswith("wss://")
        assert one.silence >= 15
        assert one.ping is None or one.ping_every < one.silence


def test_subscriptions() -> None:
    """Every id is asked for once, in the words of its protocol; Coinbase one by one; nothing for nothing."""
    assert [json.loads(one) for one in stream("kraken").subscribe(["BTC/USD", "ETH/USD"])] == [
        {"method": "subscribe", "params": {"channel": "ticker", "symbol": ["BTC/USD", "ETH/USD"]}}
    ]
    assert [json.loads(one) for one in stream("coinbase").subscribe(["BTC-USD", "ETH-USD"])] == [
        {"type": "subscribe", "product_ids": [one], "channels": ["ticker", "heartbeat"]}
        for one in ("BTC-USD", "ETH-USD")
    ]
    many = [f"A{number}-USDT" for number in range(250)]
    messages = stream("okx").subscribe(many)
    asked = [arg for one in messages for arg in json.loads(one)["args"]]
    assert asked == [{"channel": "tickers", "instId": one} for one in many]
    assert {json.loads(one)["op"] for one in messages} == {"subscribe"}
    assert max(len(one) for one in messages) < 64 * 1024


def test_coinbase_recorded(recording: Callable[[str], bytes]) -> None:
    """A trade of 2025: price, time to the microsecond, change from the open of 24 hours, volume in dollars, number."""
    acknowledged, first, second = recorded(recording, "coinbase/ws_ticker_2025-06-06.json")
    assert read("coinbase", acknowledged) == []
    (row,) = read("coinbase", first)
    assert (row.id, row.price, row.currency, row.sequence) == ("BTC-USD", Decimal("102861.5"), "usd", 106614625991)
    assert row.at == 1749186031.886136  # 2025-06-06T05:00:31.886136Z
    assert row.change_24h is not None
    assert round(row.change_24h, 6) == Decimal("-1.756795")  # 102861.5 / 104700.88 - 1
    assert (row.low_24h, row.high_24h) == (Decimal("100345.73"), Decimal("105999.68"))
    assert row.volume_24h == Decimal("11263.64960739") * Decimal("102861.5")
    (later,) = read("coinbase", second)
    assert (later.sequence, later.at) == (106614626042, 1749186032.288092)


def test_coinbase_recorded_in_other_currencies(recording: Callable[[str], bytes]) -> None:
    """The messages of 2021 are in pounds, euro and bitcoin, which we have no name for: no row."""
    messages = recorded(recording, "coinbase/ws_ticker_messages.json")
    assert len(messages) == 6
    assert [row for one in messages for row in read("coinbase", one)] == []


def test_okx_recorded(recording: Callable[[str], bytes]) -> None:
    """Messages of 2021 and 2022: spot rows only, time in milliseconds, change from the open, turnover as volume."""
    (doge,) = read("okx", recording("okx/ws_v5_tickers_DOGE-USDT_2021-11-12.json"))
    assert (doge.id, doge.price, doge.currency, doge.at) == ("DOGE-USDT", Decimal("0.254381"), "tether", 1636737706.397)
    assert doge.change_24h is not None
    assert round(doge.change_24h, 6) == Decimal("-3.522233")  # 0.254381 / 0.263668 - 1
    assert (doge.low_24h, doge.high_24h) == (Decimal("0.248601"), Decimal("0.268614"))
    assert doge.volume_24h == Decimal("125310776.54685")
    rows = [row for one in recorded(recording, "okx/ws_v5_tickers_messages.json") for row in read("okx", one)]
    assert [(row.id, row.price, row.at) for row in rows] == [
        ("BTC-USDT", Decimal(30236), 1652459224.956),
        ("BTC-USDT", Decimal("30243.5"), 1652459226.124),
        ("BTC-USDT", Decimal("30243.5"), 1652459226.240),
        ("BTC-USDT", Decimal("30250.1"), 1652459226.825),
    ]


def test_kraken_version_1_recorded(recording: Callable[[str], bytes]) -> None:
    """Acknowledgements of the old protocol say nothing, its positional tickers are refused."""
    messages = recorded(recording, "kraken/ws_v1_ticker_messages.json")
    assert [row for one in messages[:10] for row in read("kraken", one)] == []
    for one in messages[10:]:
        with pytest.raises(Malformed):
            read("kraken", one)


def test_kraken_in_its_documented_shape() -> None:
    """Bare numbers exactly, the change in percent, volume times average price, the time where it is given."""
    (bitcoin,) = read("kraken", SAID["kraken"][3])
    assert bitcoin == Row(
        id="BTC/USD",
        price=Decimal("65280.0"),
        currency="usd",
        at=1790000000.25,
        change_24h=Decimal("2.00"),
        high_24h=Decimal("65932.8"),
        low_24h=Decimal("63360.0"),
        volume_24h=Decimal("1000.50000000") * Decimal("64500.2"),
    )
    (doge,) = read("kraken", SAID["kraken"][4])
    assert (doge.id, str(doge.price), doge.change_24h, doge.at) == ("DOGE/USD", "0.1200000", Decimal("-4.00"), None)


def test_the_same_facts_from_all_three() -> None:
    """Our messages of one market moment give one price, time, change, high and low."""
    rows = [read("kraken", SAID["kraken"][3]), read("coinbase", SAID["coinbase"][1]), read("okx", SAID["okx"][1])]
    facts = {(row.price, row.at, row.change_24h, row.high_24h, row.low_24h) for (row,) in rows}
    assert facts == {(Decimal(65280), 1790000000.25, Decimal(2), Decimal("65932.8"), Decimal(63360))}


@pytest.mark.parametrize(
    ("name", "place"),
    [("kraken", 0), ("kraken", 1), ("kraken", 5), ("coinbase", 0), ("coinbase", 2), ("okx", 0), ("okx", 4)],
)
def test_signs_of_life_are_no_rows(name: str, place: int) -> None:
    """Status, acknowledgements, heartbeats and pongs say nothing of a price."""
    assert read(name, SAID[name][place]) == []


@pytest.mark.parametrize(
    ("name", "message", "error", "words"),
    [
        ("kraken", SAID["kraken"][2].decode(), NotFound, "Currency pair not supported XBT/USD"),
        ("kraken", '{"method":"subscribe","success":false,"error":"Exceeded msg rate"}', RateLimited, "msg rate"),
        ("kraken", '{"error":"Malformed request","success":false}', Malformed, "Malformed request"),
        ("kraken", '{"method":"subscribe","success":false}', Malformed, "without a reason"),
        ("kraken", '{"channel":"status","data":[{"system":"maintenance"}]}', ServerFailed, "in maintenance"),
        ("coinbase", SAID["coinbase"][3].decode(), NotFound, "WAVES-USD is not a valid product"),
        ("coinbase", '{"type":"error","message":"Failed to subscribe","reason":"X is delisted"}', NotFound, "delisted"),
        ("coinbase", '{"type":"error","message":"rate limit exceeded"}', RateLimited, "rate limit"),
        ("coinbase", '{"type":"error","message":"Malformed JSON"}', Malformed, "Malformed JSON"),
        ("okx", SAID["okx"][2].decode(), NotFound, "60018: .*LTC-USD"),
        ("okx", SAID["okx"][3].decode(), ServerFailed, "64008: The connection will soon be closed"),
        ("okx", '{"event":"error","code":"60012","msg":"Invalid request"}', Malformed, "60012"),
        ("okx", '{"event":"error","code":"60014","msg":"Requests too frequent"}', RateLimited, "60014"),
        ("okx", '{"event":"error","code":"60011","msg":"Please log in"}', Refused, "60011"),
        ("okx", '{"event":"error","code":"50001","msg":"Service temporarily unavailable"}', ServerFailed, "50001"),
    ],
)
def test_the_protocols_own_errors(name: str, message: str, error: type[SourceError], words: str) -> None:
    """Each word of refusal has its class, and keeps its words."""
    with pytest.raises(error, match=words) as caught:
        read(name, message)
    assert type(caught.value) is error


@every_stream
def test_what_a_stranger_says_fits_a_log(name: str) -> None:
    """Line ends and control characters of an error do not reach a log, and its length is bounded."""
    long = "x\\r\\n\\u001b[31m" + "y" * 5000
    message = {
        "kraken": f'{{"error":"{long}","success":false}}',
        "coinbase": f'{{"type":"error","message":"{long}"}}',
        "okx": f'{{"event":"error","code":"1","msg":"{long}"}}',
    }[name]
    with pytest.raises(SourceError) as caught:
        read(name, message)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 260


@every_stream
@pytest.mark.parametrize("cell", ['"yesterday"', "null", '""', "true", "{}"])
def test_a_time_that_cannot_be_read_is_1970(name: str, cell: str) -> None:
    """A feed that gives times and once gives a wrong one is not fresh, and never counts as of its arrival."""
    place, times = {
        "kraken": (3, '"2026-09-21T14:13:20.250000Z"'),
        "coinbase": (1, '"2026-09-21T14:13:20.250000Z"'),
        "okx": (1, '"1790000000250"'),
    }[name]
    (row,) = read(name, SAID[name][place].decode().replace(times, cell))
    assert row.at == 0.0


@every_stream
@pytest.mark.parametrize("cell", ["0", '"0.00000000"', "-1", "1e16", "1e-30", "null", '""'])
def test_no_price_is_no_row(name: str, cell: str) -> None:
    """Zero, negative, absent and impossible prices are not handed on."""
    assert read(name, with_price(name, cell)) == []


@every_stream
@pytest.mark.parametrize("cell", ['"abc"', '"NaN"', '"1_000"', '"١٢٣"', "true", "[]", "{}", '"1e400"'])
def test_a_price_that_is_no_number_is_malformed(name: str, cell: str) -> None:
    """Whatever a lenient reader would make of it."""
    with pytest.raises(Malformed):
        read(name, with_price(name, cell))


def with_price(name: str, cell: str) -> str:
    """Our message of one market with this in the place of its price."""
    place, price = {
        "kraken": (3, '"last":65280.0'),
        "coinbase": (1, '"price":"65280"'),
        "okx": (1, '"last":"65280"'),
    }[name]
    text = SAID[name][place].decode()
    assert price in text
    return text.replace(price, price.partition(":")[0] + ":" + cell)


HOSTILE = [
    b"", b"null", b"1", b'"ok"', b"[]", b"[null]", b"{}", b"pong", b"ping", b"\x00" * 64, b"\xff\xfe", b"<html>",
    b"[" * 100_000, b'{"data":' * 100_000, b'{"type":"ticker"}', b'{"type":["ticker"]}', b'{"type":"\xe9"}',
    b'{"channel":"ticker"}', b'{"channel":"ticker","data":{}}', b'{"channel":"ticker","data":[null]}',
    b'{"channel":"ticker","data":[{"symbol":"BTC/USD","last":' + b"[" * 100_000, b'{"channel":"status"}',
    b'{"channel":"status","data":[1]}', b'{"arg":{"channel":"tickers"}}', b'{"arg":{"channel":"tickers"},"data":[{}]}',
    b'{"type":"ticker","product_id":"BTC-USD","price":"1","sequence":1e999}',
    b'{"type":"ticker","product_id":"BTC-USD","price":"1","sequence":' + b"9" * 5000 + b"}",
    b'{"type":"ticker","product_id":"BTC-USD","price":"1","time":"0001-01-01T00:00:00+23:59"}',
    b'{"type":"ticker","product_id":"BTC-USD","price":"1","open_24h":"1e-99","volume_24h":"9e99"}',
]  # fmt: skip


@every_stream
@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_messages(name: str, message: bytes) -> None:
    """One of our errors or rows that are prices, never another exception."""
    survived(name, message)


@every_stream
def test_messages_of_the_others(name: str, recordings: Path) -> None:
    """Fed every recording of every API, and what the other streams say, a stream reads only its own dialect."""
    for other, messages in SAID.items():
        assert other == name or [row for one in messages for row in survived(name, one)] == []
    for path in sorted(recordings.rglob("*.json")):
        if survived(name, path.read_bytes()):
            assert path.parent.name == name


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(STREAMS)), data=st.data())
def test_damaged_messages(name: str, data: st.DataObject) -> None:
    """Bytes changed, dropped or doubled anywhere: one of our errors, or rows that are still prices."""
    message = bytearray(data.draw(st.sampled_from(SAID[name])))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, max(0, len(message) - 1)))
        stop = data.draw(st.integers(start, min(start + 8, len(message))))
        message[start:stop] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"null", b"1e99", b'"', b"[", b"}", b"-"])
        )
    survived(name, bytes(message))


def survived(name: str, message: bytes) -> list[Row]:
    """The rows of a message, none where it is refused; every other exception escapes."""
    try:
        rows = read(name, message)
    except SourceError:
        return []
    for row in rows:
        assert row.price is not None
        assert LOWEST_PRICE <= row.price <= HIGHEST_PRICE
        assert row.currency in ("usd", "tether", "usd-coin")
    return rows

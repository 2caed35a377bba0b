"""OKX's spot tickers: every market in one answer, with the time of each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, Refused, ServerFailed, SourceError, words
from ticker.sources.base import SECOND, Limit, Plan, Request, Row, Source, Stream, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, change_from, number, optional, unix_milliseconds, usd_or_stablecoin

NAME = "okx"
_ERRORS: Mapping[str, type[SourceError]] = {
    "50001": ServerFailed,
    "50011": RateLimited,
    "50013": ServerFailed,
    "51001": NotFound,
    "60011": Refused,  # wants a login; the codes from 60000 on are the stream's
    "60014": RateLimited,
    "60018": NotFound,
}
_PONG = b"pong"
_MOST_IDS = 100  # in one message, which OKX limits to 64 KB


class _Market(Struct, gc=False):
    instId: str  # noqa: N815 - by OKX's own name
    last: Raw
    ts: Raw = ABSENT
    open24h: Raw = ABSENT
    high24h: Raw = ABSENT
    low24h: Raw = ABSENT
    volCcy24h: Raw = ABSENT  # noqa: N815 - in the quote currency


class _Answer(Struct):
    code: str
    msg: str = ""
    data: list[_Market] | None = None


class _Channel(Struct):
    channel: str = ""


class _Message(Struct):
    event: str = ""
    code: str = ""
    msg: str = ""
    arg: _Channel | None = None
    data: Raw = ABSENT


_answer = Answers(json.Decoder(_Answer), _Market, "instId", "data")
_message = json.Decoder(_Message)
_markets = json.Decoder(list[_Market])


def request(ids: Sequence[str]) -> Request:
    """All spot markets."""
    return Request("/api/v5/market/tickers", query=(("instType", "SPOT"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come with HTTP 200 in `code`, and then `data` may be missing."""
    answer = _answer.decode(body, wanted)
    if answer.code != "0" or answer.data is None:
        raise _ERRORS.get(answer.code, Malformed)(NAME, f"{answer.code}: {answer.msg or 'no data'}")
    for market in answer.data:
        if market.instId in wanted:
            yield _row(market)


def subscribe(ids: Sequence[str]) -> list[str]:
    """All markets at once: one that is unknown is refused by itself."""
    args = [{"channel": "tickers", "instId": one} for one in ids]
    batches = [args[i : i + _MOST_IDS] for i in range(0, len(args), _MOST_IDS)]
    return [json.encode({"op": "subscribe", "args": batch}).decode() for batch in batches]


def read(message: bytes) -> Iterator[Row]:
    """Tickers, told at every change. A notice says that this connection will soon be closed."""
    if message == _PONG:
        return
    heard = _message.decode(message)
    if heard.event == "error":
        raise _ERRORS.get(heard.code, Malformed)(NAME, words(f"{heard.code}: {heard.msg}"))
    if heard.event == "notice":
        raise ServerFailed(NAME, words(f"{heard.code}: {heard.msg}"))
    if heard.event or heard.arg is None or heard.arg.channel != "tickers":
        return
    for market in _markets.decode(heard.data):
        row = _row(market)
        row.at = row.at or 0.0
        yield row


def _row(market: _Market) -> Row:
    last = number(market.last)
    return Row(
        id=market.instId,
        price=last,
        currency=usd_or_stablecoin(market.instId, "-"),
        at=unix_milliseconds(market.ts),
        change_24h=change_from(optional(market.open24h), last),
        high_24h=optional(market.high24h),
        low_24h=optional(market.low24h),
        volume_24h=optional(market.volCcy24h),
    )


# After 30 seconds without a word OKX closes; a ping is answered, so that a quiet market is told from a dead feed.
STREAM = Stream("wss://ws.okx.com:8443/ws/v5/public", subscribe, read, ping="ping")

SOURCE = Source(
    name=NAME,
    title="OKX",
    kind="venue",
    group="okx",
    docs="https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-tickers",
    plans=(Plan("public", "https://www.okx.com", limits=(Limit(20, 2 * SECOND),)),),
    terms=Terms.unread("https://www.okx.com/help/terms-of-service"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)-(USD|USDT|USDC)"),
    id_example="BTC-USDT",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="-"),
    typical_bytes=55_000,
    timed=True,
    stream=STREAM,
)

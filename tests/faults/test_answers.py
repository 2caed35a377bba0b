"""Broken answers: whatever one source of four sends, it is told by name, nothing of it counts, nobody else notices."""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from faults.conftest import Measured
from faults.stage import VENUES, Stage, settled

FOUR = ("kraken", "coinbase", "bitfinex", "coingecko")
VICTIM = "coingecko"

Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def broken(stage: Stage, polls: int = 5, victim: str = VICTIM) -> str:
    """Poll on with a broken source: the price stands, the source is down by name. Gives its error and the outcome."""
    await stage.turn(polls)
    price, error = await stage.price(), stage.poller.health[victim].error
    assert (price["price"], price["agreement"], stage.wrong_seconds) == ("65000", "ok", 0)
    assert error is not None, "it is not told"
    assert price["sources"]["used"] == 3, "its vote has not ended"
    return f"{error.slug}; others `ok`"


async def body_fault(body: bytes, status: int = 200, **headers: str) -> str:
    """One source answers this."""
    async with settled("65000", sources=FOUR) as stage:
        stage.answers(VICTIM, body, status, **headers)
        return await broken(stage)


async def bent_fault(bend: Callable[[bytes], bytes]) -> str:
    """One source's true answer is changed on its way."""
    async with settled("65000", sources=FOUR) as stage:
        assert bend(stage.body(VICTIM)) != stage.body(VICTIM)
        stage.bends(VICTIM, bend)
        return await broken(stage)


async def test_truncated(measured: Measured) -> None:
    """Half of the bytes, then the end."""
    async with settled("65000", sources=FOUR) as stage:
        stage.breaks(VICTIM, "truncate")
        value = await broken(stage)
    measured("body cut off in the middle of the connection", "refused, counted, others unaffected", value)


async def test_truncated_but_well_sent(measured: Measured) -> None:
    """Half of the JSON as a whole answer."""
    value = await bent_fault(lambda body: body[: len(body) // 2])
    measured("half of the JSON, sent as whole", "refused, counted, others unaffected", value)


async def test_gzip_bomb(measured: Measured) -> None:
    """64 MiB out of 64 KiB: refused when it passes the limit, before it is whole in memory (rule 17)."""
    async with settled("65000", sources=FOUR) as stage:
        stage.breaks(VICTIM, "bomb")
        value = await broken(stage)
        assert value.startswith("too_large")
    measured("gzip bomb: 64 MiB from 64 KiB", "refused at 2 MiB", value)


async def test_a_huge_body(measured: Measured) -> None:
    """3 MiB where 2 are the most."""
    value = await body_fault(b"[" + b" " * 3 * 2**20 + b"]")
    assert value.startswith("too_large")
    measured("3 MiB of JSON", "refused at 2 MiB", value)


async def test_byte_order_mark(measured: Measured) -> None:
    """A BOM before the JSON: not the documented shape."""
    value = await bent_fault(lambda body: b"\xef\xbb\xbf" + body)
    measured("byte order mark before the JSON", "refused, counted, others unaffected", value)


async def test_latin_1(measured: Measured) -> None:
    """Text that is not UTF-8 in a name."""
    value = await bent_fault(lambda body: body.replace(b'"Bitcoin"', b'"B\xeftcoin"'))
    measured("latin-1 in a name", "refused, counted, others unaffected", value)


async def test_utf_16(measured: Measured) -> None:
    """The whole answer in UTF-16."""
    value = await bent_fault(lambda body: body.decode().encode("utf-16"))
    measured("the answer in UTF-16", "refused, counted, others unaffected", value)


async def test_duplicate_keys(measured: Measured) -> None:
    """The price twice in a row, the second a millionfold: at most that source's own vote, which is out."""
    async with settled("65000", sources=FOUR) as stage:
        stage.bends(
            VICTIM, lambda body: body.replace(b'"market_cap":', b'"current_price":65000000000,"market_cap":', 1)
        )
        await stage.turn(3)
        price, why = await stage.price(), stage.refused()

    assert (price["price"], price["agreement"], stage.wrong_seconds) == ("65000", "ok", 0)
    assert set(why) == {VICTIM}
    measured(
        "the price twice in one object, 65,000 and 65,000,000,000",
        "error ≤ 0.3 %",
        f"out as {why[VICTIM]}; {stage.error}",
    )


async def test_a_field_is_renamed(measured: Measured) -> None:
    """`current_price` is `price` from today."""
    value = await bent_fault(lambda body: body.replace(b'"current_price"', b'"price"'))
    measured("the price field is renamed", "refused, counted, others unaffected", value)


async def test_a_field_is_removed(measured: Measured) -> None:
    """Rows without a price at all."""

    def bend(body: bytes) -> bytes:
        return json.dumps([{k: v for k, v in row.items() if k != "current_price"} for row in json.loads(body)]).encode()

    value = await bent_fault(bend)
    measured("the price field is removed", "refused, counted, others unaffected", value)


def cell(value: bytes) -> Callable[[bytes], bytes]:
    """CoinGecko's answer with this in the place of its price."""
    return lambda body: body.replace(b'"current_price":65000', b'"current_price":' + value)


NO_PRICES = {
    'the text "null"': b'"null"',
    "null": b"null",
    "NaN": b"NaN",
    "the text NaN": b'"NaN"',
    "Infinity": b"Infinity",
    "1e400": b"1e400",
    "zero": b"0",
    "0.00000000": b'"0.00000000"',
    "negative": b"-65000",
    "true": b"true",
    "1_000": b'"65_000"',
    "Arabic digits": '"٦٥٠٠٠"'.encode(),
    "a comma": b'"65,000"',
    "1e16": b"1e16",
    "an object": b'{"usd":65000}',
    "a list": b"[65000]",
    "100,000 digits": b"9" * 100_000,
    "hexadecimal": b'"0xFDE8"',
}


@pytest.mark.parametrize("what", NO_PRICES)
async def test_a_price_that_is_none(measured: Measured, what: str) -> None:
    """In the place of the price stands what is no price: no quote, or no answer (rules 15, 17)."""
    value = await bent_fault(cell(NO_PRICES[what]))
    measured(f"in the place of the price: {what}", "no quote; others unaffected", value)


async def test_html_with_200(measured: Measured) -> None:
    """A page of a bot guard where JSON is due."""
    async with settled("65000", sources=FOUR) as stage:
        stage.breaks(VICTIM, "html")
        value = await broken(stage)
    measured("HTML with status 200", "refused by its type", value)


async def test_html_that_says_json(measured: Measured) -> None:
    """The same, with the content type of JSON."""
    value = await body_fault(b"<!DOCTYPE html><title>Just a moment...</title>")
    measured("HTML with status 200, typed as JSON", "refused by its shape", value)


async def test_wrong_content_type(measured: Measured) -> None:
    """The true answer, typed as text."""
    async with settled("65000", sources=FOUR) as stage:
        stage.answers(VICTIM, stage.body(VICTIM), Content_Type="text/plain")
        value = await broken(stage)
    measured("JSON typed text/plain", "refused by its type", value)


async def test_an_encoding_nobody_asked_for(measured: Measured) -> None:
    """Brotli where only gzip was offered."""
    value = await body_fault(b"\x0b\x02\x80[]\x03", Content_Encoding="br")
    measured("content encoding br, not asked for", "refused", value)


async def test_broken_gzip(measured: Measured) -> None:
    """A gzip stream with its end cut off."""
    value = await body_fault(gzip.compress(b"[" + b"{}," * 999)[:-20], Content_Encoding="gzip")
    measured("a gzip stream without its end", "refused", value)


async def test_garbage(measured: Measured) -> None:
    """Bytes that are nothing."""
    async with settled("65000", sources=FOUR) as stage:
        stage.breaks(VICTIM, "garbage")
        value = await broken(stage)
    measured("random bytes typed as JSON", "refused", value)


async def test_an_empty_body(measured: Measured) -> None:
    """Status 200 and nothing."""
    value = await body_fault(b"")
    measured("empty body with 200", "refused", value)


async def test_an_empty_list(measured: Measured) -> None:
    """200 with []: the commonest death. It counts as down."""
    value = await body_fault(b"[]")
    measured("`[]` with 200", 'down, not "no coins"', value)


async def test_a_message_only(measured: Measured) -> None:
    """JSON that says goodbye."""
    value = await body_fault(b'{"message":"This API version was retired on 2025-03-31."}')
    measured("JSON with only a `message`", "down", value)


async def test_an_error_with_200(measured: Measured) -> None:
    """A rate limit inside a 200."""
    value = await body_fault(b'{"status":{"error_code":429,"error_message":"rate limited"}}')
    assert value.startswith("rate_limited")
    measured("a rate limit inside a 200", "understood as one", value)


async def test_a_redirect(measured: Measured) -> None:
    """To another address: never followed (rule 18)."""
    async with settled("65000", sources=FOUR) as stage:
        stage.answers(VICTIM, b"", 302, Location=f"{stage.origin}/kraken/0/public/Ticker")
        before = stage.calls["kraken"]
        value = await broken(stage)
        followed = stage.calls["kraken"] - before - 5

    assert followed == 0
    measured("redirect to another address", "never followed", f"{value}; {followed} followed")


async def test_another_id_in_the_answer(measured: Measured) -> None:
    """Asked for bitcoin, it answers for bitcoin-cash at a price of its own: not our coin, no quote (rule 10)."""
    value = await bent_fault(lambda body: body.replace(b'"id":"bitcoin"', b'"id":"bitcoin-cash"'))
    measured("the answer bears another id than was asked for", "no quote", value)


async def test_the_answer_of_another_source(measured: Measured) -> None:
    """A proxy mixes up two sources: each reads only its own dialect."""
    async with settled("65000", sources=FOUR) as stage:
        stage.answers("kraken", stage.body("coinbase"))
        value = await broken(stage, victim="kraken")
    measured("one source's answer under another's address", "refused", value)


async def test_deep_nesting(measured: Measured) -> None:
    """100,000 brackets: no stack is exhausted (rule 17)."""
    value = await body_fault(b"[" * 100_000)
    measured("100,000 nested lists", "refused, no crash", value)


async def test_text_after_the_end(measured: Measured) -> None:
    """A true answer, and then more."""
    value = await bent_fault(lambda body: body + b"<script>1</script>")
    measured("text after the end of the JSON", "refused", value)


async def test_ten_thousand_foreign_rows(measured: Measured) -> None:
    """Rows we did not ask for, in their thousands: ours is found, nothing else is kept."""
    async with settled("65000", sources=FOUR) as stage:
        row = json.loads(stage.body(VICTIM))[0]
        rows = [{"id": f"coin-{number}", "current_price": 1, "symbol": "btc"} for number in range(10_000)]
        stage.answers(VICTIM, json.dumps([*rows, row]).encode())
        await stage.turn(2)
        price = await stage.price()

    assert (price["price"], price["sources"]["used"]) == ("65000", 4)
    measured(
        "10,000 rows that nobody asked for, with our symbol",
        "ignored",
        f"`{price['agreement']}` of {price['sources']['used']}",
    )


STATUSES = {500: "server_failed", 503: "server_failed", 429: "rate_limited", 418: "rate_limited", 403: "refused", 451: "refused", 404: "not_found", 301: "redirected"}  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("status", STATUSES)
async def test_a_status(measured: Measured, status: int) -> None:
    """Each status is told as what it means, and the price stands."""
    async with settled("65000", sources=FOUR) as stage:
        stage.breaks(VICTIM, f"status:{status}")
        value = await broken(stage, polls=20)
    assert value.startswith(STATUSES[status])
    measured(f"HTTP {status}", "told as what it means", value)


async def test_a_storm_of_429(measured: Measured) -> None:
    """Ten minutes of 429 at an aggregator's own interval: at most 8 calls, and the price stands (rule 19)."""
    async with settled("65000", sources=FOUR, every=300.0) as stage:
        stage.breaks(VICTIM, "status:429")
        before = stage.calls[VICTIM]
        await stage.pass_seconds(600)
        calls = stage.calls[VICTIM] - before
        price = await stage.price()

    assert calls <= 8
    assert (price["price"], price["agreement"]) == ("65000", "ok")
    measured("429 for 10 minutes", "≤ 8 calls to that source", f"{calls} calls; others `ok`")


async def test_an_outage_of_ten_minutes_is_over(measured: Measured) -> None:
    """It comes back by itself, without a restart."""
    async with settled("65000", sources=FOUR) as stage:
        stage.breaks(VICTIM, "status:503")
        await stage.turn(10)
        stage.breaks(VICTIM, None)
        await stage.pass_seconds(1900)
        price = await stage.price()
        error = stage.poller.health[VICTIM].error

    assert error is None
    assert price["sources"]["used"] == 4
    measured(
        "503 for 10 minutes, then well",
        "votes again by itself",
        f"`{price['agreement']}` of {price['sources']['used']}",
    )


class Raw:
    """A server that does to each connection what the test says, after it has read the request's head."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def __aenter__(self) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                await self._talk(writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        self._server = await asyncio.start_server(handle, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


def answer_of(stage: Stage, source: str) -> bytes:
    """A whole HTTP answer of a source."""
    body = stage.body(source)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def silent(_: asyncio.StreamWriter) -> None:
    """Reads the request and says nothing."""
    await asyncio.sleep(30)


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_head(writer: asyncio.StreamWriter) -> None:
    """Headers without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: and more\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def timed_round(stage: Stage, *slow: str) -> tuple[float, float]:
    """Real seconds: the longest poll of the slow sources, the longest of the others, all asked at once."""

    async def one(name: str) -> float:
        started = time.monotonic()
        await stage.poller.poll(name)
        return time.monotonic() - started

    took = dict(zip(stage.sources, await asyncio.gather(*map(one, stage.sources)), strict=True))
    return max(took[name] for name in slow), max(took[name] for name in stage.sources if name not in slow)


async def test_black_hole_drip_and_endless_headers(measured: Measured) -> None:
    """Three sources say nothing, drip and talk for ever: each ends at its deadline of 8 s, nobody waits for them."""
    bad = ("kraken", "coinbase", "bitfinex")
    async with Raw(silent) as hole, Raw(drip) as slow, Raw(endless_head) as head:
        elsewhere = dict(zip(bad, (hole, slow, head), strict=True))
        async with Stage(VENUES[:6], elsewhere=elsewhere) as stage:
            stage.all_say("65000")
            longest, others = await timed_round(stage, *bad)
            kinds = {stage.poller.health[name].error.slug for name in bad}  # type: ignore[union-attr]
            await stage.published()
            price = await stage.price()

    assert longest <= 8.5
    assert others < 2
    assert kinds <= {"timeout", "unreachable"}
    assert (price["price"], price["agreement"]) == ("65000", "ok")
    measured(
        "black hole, 1-byte drip, endless headers at once",
        "each poll ≤ 8.5 s, others unaffected",
        "all ended by 8.5 s; the others at once",
    )


async def test_a_deadline_below_the_interval(measured: Measured) -> None:
    """Polled every second, a source that hangs is given up before its next turn (rule 18)."""
    async with Raw(silent) as hole, Stage(VENUES[:4], every=1.0, elsewhere={"kraken": hole}) as stage:
        stage.all_say("65000")
        longest, _ = await timed_round(stage, "kraken")

    assert longest <= 1.0
    measured("black hole, polled every second", "given up before the next turn", "given up within 1 s")


async def test_reset_at_every_offset(measured: Measured) -> None:
    """The connection breaks after 0, 1, 2 … bytes of the answer: never a quote out of a part (rule 18)."""
    cut, whole = 0, b""

    async def part(writer: asyncio.StreamWriter) -> None:
        writer.write(whole[:cut])
        await writer.drain()
        writer.transport.abort()

    async with Raw(part) as base_url, Stage(VENUES[:1], elsewhere={"kraken": base_url}) as stage:
        stage.all_say("65000")
        whole = answer_of(stage, "kraken")
        kinds = set()
        for cut in range(len(whole)):  # noqa: B007
            kinds.add((await stage.failure("kraken")).slug)

    assert kinds == {"unreachable"}
    measured(
        "connection reset at every byte offset of the answer",
        "never a quote from a part",
        f"0 of {len(whole)} offsets believed",
    )


async def test_a_source_that_is_slow_but_well(measured: Measured) -> None:
    """An answer that takes half a second counts like any other."""
    async with settled("65000", sources=VENUES[:3]) as stage:
        stage.breaks("kraken", "delay:500ms")
        await stage.turn()
        price: dict[str, Any] = await stage.price()

    assert price["sources"]["used"] == 3
    measured("an answer that takes 0.5 s", "counts", f"`{price['agreement']}` of {price['sources']['used']}")

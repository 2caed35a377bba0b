"""The fast lane: the same answers as without it, whatever comes on the wire, and never one that is out of date."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from aiohttp import web
from exam.torn import run
from fakes import Clock
from hypothesis import given, settings
from hypothesis import strategies as st
from server.roads import Answer, Pipe, Road, answers
from server.viewers import Feed
from snapshots import NOW, price, snapshot

from ticker.server import lane_check, remembered
from ticker.server.app import Serving
from ticker.server.guard import Bounds
from ticker.server.lane import Lane
from ticker.server.readiness import READINESS
from ticker.server.ready import Edition, Wire
from ticker.server.remembered import Remembered
from ticker.server.seen import SEEN


def get(path: str, *lines: str) -> bytes:
    """A question as a browser puts it."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a.example", *lines, "", ""]).encode("latin-1")


LIST, PRICES, BADGE = get("/widget/list"), get("/v1/prices"), get("/badge/bitcoin.svg")
CHROME = get(
    "/widget/list?theme=dark",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile: ?0",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36",
    "Accept: */*",
    "Sec-Fetch-Site: cross-site",
    "Referer: https://blog.example/",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: de-DE,de;q=0.9",
)
KNOWN = [LIST, PRICES, BADGE, CHROME, get("/embed.js", "Accept-Encoding: gzip"), get("/api/v3/ping"), get("/")]

SMUGGLING = {
    "content length before chunks": b"POST /v1/prices HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "chunks before content length": b"POST /v1/prices HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n",
    "a GET with a body that is a GET": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nContent-Length: 48\r\n\r\n"
    + LIST,
    "a GET with a body in chunks": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"30\r\n" + LIST + b"\r\n0\r\n\r\n",
    "a body that never comes": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nContent-Length: 900\r\n\r\n",
    "a body of line ends": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
    "no body, said so": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n",
    "two lengths alike": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "two lengths unlike": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 48\r\n\r\n",
    "two lengths in one": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 48\r\n\r\n",
    "a length with a sign": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n",
    "a length that is none": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x30\r\n\r\n",
    "a length with a space before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 48\r\n\r\n",
    "a folded line": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\n c: d\r\n\r\n",
    "a folded transfer coding": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"GET /widget/list HTTP/1.1\nHost: a.example\n\n",
    "a bare line feed at the end": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\n\n",
    "a bare carriage return": b"GET /widget/list HTTP/1.1\rHost: a.example\r\r\n\r\n",
    "a line feed within a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nContent-Length: 48\r\n\r\n",
    "a space before a header": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nBroken\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a NUL in a path": b"GET /widget/\0list HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL before all": b"\0GET /widget/list HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "bytes beyond ASCII": "GET /widget/list HTTP/1.1\r\nHost: a.example\r\nX-Ü: é\r\n\r\n".encode(),
    "absolute form": b"GET http://evil.example/widget/list HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "authority form": b"CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host": b"GET /widget/list HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
    "version 1.0": b"GET /widget/list HTTP/1.0\r\nHost: a.example\r\n\r\n",
    "version 1.0 that stays": b"GET /widget/list HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "version 0.9": b"GET /widget/list\r\n\r\n",
    "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version 1.2": b"GET /widget/list HTTP/1.2\r\nHost: a.example\r\n\r\n",
    "last one": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
    "an upgrade": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a socket": b"GET /widget/list HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    "expecting": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\n\r\n",
    "trailers": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX: y\r\n\r\n",
    "an odd transfer coding": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "two transfer codings": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk of an odd size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk with an extension": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;a=b\r\nabc\r\n0\r\n\r\n",
    "line ends first": b"\r\n\r\n" + LIST,
    "line ends last": LIST + b"\r\n\r\n",
    "two in one": LIST + PRICES,
    "the same twice in one": LIST + LIST,
    "one and a half": LIST + PRICES[:20],
    "garbage behind it": LIST + b"\x16\x03\x01\x02\0\x01\0\x01\xfc\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\r\n\r\n",
    "other cases": b"get /widget/list HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "a long line": b"GET /widget/list?" + b"a" * 3000 + b" HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "a very long line": b"GET /widget/list?" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "a large header": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nX: " + b"a" * 7000 + b"\r\n\r\n",
    "a huge header": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "very many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(300)) + b"\r\n",
    "a head": b"HEAD /widget/list HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "nothing there": b"GET /nothing HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "wrong": b"GET /widget/list?theme=pink HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "a range": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nRange: bytes=0-3\r\n\r\n",
    "any tag": b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\nIf-None-Match: *\r\n\r\n",
}


async def heard(road: Road, pieces: list[bytes], *, turns: int | None = None) -> tuple[list[Answer], bool]:
    """What a connection is answered for these pieces, and whether it was closed.

    After each so many turns of the loop go by; None = as many as it takes until all is quiet.
    """
    visit = road.visit()
    for piece in pieces:
        if turns is None:
            await visit.quiet()
        for _ in range(turns or 0):
            await asyncio.sleep(0)
        await visit.say(piece)
    sent = await visit.quiet()
    closed = visit.pipe.closed
    await visit.leave()
    return answers(sent), closed


@pytest.mark.parametrize("name", SMUGGLING)
async def test_smuggling_finds_no_second_opinion(name: str) -> None:
    """Each request of the corpus, between two that are remembered, whole, byte by byte and in one piece with both: the
    same answers on both roads, and the same end."""
    odd = SMUGGLING[name]
    cut = [odd[i : i + 1] for i in range(len(odd))] if len(odd) < 600 else [odd[:300], odd[300:700], odd[700:]]
    async with Road(lane=True) as fast, Road(lane=False) as slow:
        await fast.warm(KNOWN)
        before = fast.remembered.answered
        for pieces in (
            [LIST, odd, PRICES, LIST],
            [odd, LIST],
            [odd, odd, odd, LIST],
            [*cut, LIST],
            [LIST + odd + PRICES],
        ):
            for turns in (None, 0, 1):
                assert await heard(fast, pieces, turns=turns) == await heard(slow, pieces, turns=turns)
        assert fast.remembered.answered > before


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of this module's own: Hypothesis runs many examples in one test."""
    found = asyncio.new_event_loop()
    yield found
    found.run_until_complete(found.shutdown_asyncgens())
    found.close()


@pytest.fixture(scope="module")
def both(loop: asyncio.AbstractEventLoop) -> Iterator[tuple[Road, Road]]:
    """A road with the lane that knows some requests, and one without."""
    fast, slow = Road(lane=True), Road(lane=False)
    loop.run_until_complete(fast.__aenter__())
    loop.run_until_complete(slow.__aenter__())
    loop.run_until_complete(fast.warm(KNOWN))
    before = fast.remembered.answered
    yield fast, slow
    assert fast.remembered.answered > before + 60
    loop.run_until_complete(fast.__aexit__())
    loop.run_until_complete(slow.__aexit__())


LINES = st.sampled_from(
    [
        "Connection: close",
        "Content-Length: 3",
        "Content-Length: 0",
        "X: y",
        " folded",
        "Transfer-Encoding: chunked",
        "Accept-Encoding: br",
        "If-None-Match: *",
        "Connection: keep-alive",
        "Host: b",
        "X : y",
        "Expect: 100-continue",
    ]
)
MADE = st.builds(
    lambda method, path, version, lines, end: (
        "\r\n".join([f"{method} {path} {version}", "Host: a.example", *lines]).encode() + end
    ),
    st.sampled_from(["GET", "GET", "HEAD", "POST", "OPTIONS"]),
    st.sampled_from(["/widget/list", "/v1/prices", "/healthz", "/nothing", "/widget/list?limit=1"]),
    st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]),
    st.lists(LINES, max_size=3),
    st.sampled_from([b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n\r\nabc", b"\r\n"]),
)
PIECES = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(KNOWN),
    MADE,
    st.sampled_from(sorted(SMUGGLING.values())),
    st.binary(max_size=12),
)


@settings(max_examples=600, deadline=None)
@given(said=st.lists(PIECES, min_size=1, max_size=6), data=st.data())
def test_the_same_answers_however_it_is_cut(
    both: tuple[Road, Road], loop: asyncio.AbstractEventLoop, said: list[bytes], data: st.DataObject
) -> None:
    """Requests good and bad, joined and cut anywhere, with and without rests between: both roads answer alike."""
    whole = b"".join(said)
    if data.draw(st.booleans(), "as they are"):
        pieces = said
    else:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6), "cuts"))
        pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    pieces = [piece for piece in pieces if piece]
    turns = data.draw(st.sampled_from([None, None, 0, 1, 2, 3]), "turns")

    fast, slow = (loop.run_until_complete(heard(road, pieces, turns=turns)) for road in both)

    assert fast == slow


async def test_what_is_asked_again_takes_the_lane() -> None:
    """The first two times the framework answers, from then on the lane; the bytes are the same but for their Date."""
    async with Road(lane=True) as road:
        visit = road.visit()
        await visit.quiet()
        seen = [await visit.ask(CHROME) for _ in range(4)]

        assert seen[0] == seen[1] == seen[2] == seen[3]
        assert b"Content-Encoding: br" in seen[3][0][1]
        assert dict(road.remembered.counts) == {("/widget/{kind}", 200): 2}
        await visit.leave()


async def test_the_lane_gives_304_too() -> None:
    """What a browser asks that has it."""
    async with Road(lane=True) as road:
        visit = road.visit()
        await visit.quiet()
        ((_, headers, _),) = await visit.ask(LIST)
        tag = next(line for line in headers if line.startswith(b"ETag"))[6:].decode()
        again = get("/widget/list", f"If-None-Match: {tag}")
        (last,) = (await visit.ask(again, again, again))[2:]

        assert last[0] == b"HTTP/1.1 304 Not Modified"
        assert last[2] == b""
        assert road.remembered.counts["/widget/{kind}", 304] == 1
        await visit.leave()


class Eager(Pipe):
    """The other end of a reader who has the next request on its way as soon as an answer is there."""

    def __init__(self, request: bytes, times: int) -> None:
        super().__init__()
        self._request, self.times = request, times

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        if self.times and self.protocol is not None:
            self.times -= 1
            asyncio.get_running_loop().call_soon(self.protocol.data_received, self._request)


async def test_who_asks_again_at_once_is_back_in_the_lane() -> None:
    """One answer of the framework after each change of prices, though it has not come round when the next request is
    there; and on a new connection none at all.
    """
    feed = Feed(snapshot())
    async with Road(lane=True, feed=feed) as road:
        await road.warm([PRICES])
        visit = road.visit(Eager(PRICES, 0))
        await visit.ask(PRICES)
        for seq in range(2, 6):
            feed.tell(snapshot(seq, prices=(price("bitcoin", str(seq)), *snapshot().prices[1:])))
            await visit.quiet()
            before = road.remembered.answered
            visit.pipe.times = 50  # type: ignore[attr-defined]
            found = await visit.ask(PRICES)
            assert [number(answer) for answer in found] == [str(seq)] * 51
            assert road.remembered.answered == before + 50
        another = road.visit()
        await another.say(PRICES)
        assert len(answers(await another.quiet())) == 1
        assert road.remembered.answered == before + 51
        for one in (visit, another):
            await one.leave()


async def test_a_request_that_is_held_is_dropped_with_its_connection() -> None:
    """Nothing is answered to nobody, and nothing is raised."""
    async with Road(lane=True) as road:
        await road.warm([LIST])
        before = road.remembered.answered
        visit = road.visit()
        await visit.say(LIST)
        await visit.leave()
        assert await visit.quiet() == b""
        assert road.remembered.answered == before


@pytest.mark.parametrize("lane", [True, False])
@pytest.mark.parametrize("what", ["another comes", "it is closed"])
async def test_what_is_held_is_waited_for(what: str, lane: bool) -> None:
    """Where the server is full, and where it ends: between the framework's coming round and the answer."""
    async with Road(lane=lane, bounds=Bounds(connections=1)) as road:
        await road.warm([LIST])
        visit, others = road.visit(), []
        act = (lambda: others.append(road.visit())) if what == "another comes" else visit.protocol.close
        asyncio.get_running_loop().call_soon(act)
        await visit.say(LIST)
        assert len(answers(await visit.quiet())) == 1
        assert visit.pipe.closed == (what == "it is closed")
        assert [other.pipe.closed for other in others] == ([True] if what == "another comes" else [])
        await visit.leave()


@pytest.mark.parametrize("lane", [True, False])
async def test_an_end_before_the_first_turn(lane: bool) -> None:
    """A request on a connection that was never waited on is answered, and the server does not wait for it any more."""
    async with Road(lane=lane) as road:
        await road.warm([LIST])
        visit = road.visit()
        await visit.say(LIST)
        visit.protocol.close()
        assert len(answers(await visit.quiet())) == 1
        assert visit.pipe.closed
        await visit.leave()


def number(answer: Answer) -> str:
    """The price of bitcoin in an answer of `/v1/prices`."""
    return answer[2].decode().split('"price":"')[1].split('"')[0]


async def test_a_new_snapshot_is_in_the_very_next_answer() -> None:
    """Nothing of the old one is given once the new one is built, by whichever road."""
    feed = Feed(snapshot())
    async with Road(lane=True, feed=feed) as road:
        visit = road.visit()
        await visit.quiet()
        for seq in range(2, 30):
            given_before = road.remembered.answered
            (*_, last) = await visit.ask(PRICES, PRICES, PRICES)
            assert number(last) == ("64250.12" if seq == 2 else f"{seq - 1}")
            assert road.remembered.answered > given_before or seq == 2
            feed.tell(snapshot(seq, prices=(price("bitcoin", str(seq)), *snapshot().prices[1:])))
            await visit.quiet()
        await visit.leave()


async def test_a_price_goes_down_its_ladder_in_the_lane_too() -> None:
    """At its deadline the remembered answer is over, though no timer has told anyone."""
    clock = Clock()
    async with Road(lane=True, clock=clock) as road:
        visit = road.visit()
        await visit.quiet()
        for after, rung in ((0, "live"), (119.9, "live"), (120, "delayed"), (300, "stale"), (3600, "none")):
            clock.now = NOW + after
            found = await visit.ask(PRICES, PRICES, PRICES)
            assert {answer[2].decode().split('"freshness":"')[1].split('"')[0] for answer in found} == {rung}
        assert road.remembered.answered > 0
        await visit.leave()


async def test_the_date_is_that_of_the_answer() -> None:
    """A remembered answer carries the second in which it is given."""
    clock = Clock()
    async with Road(lane=True, clock=clock) as road:
        await road.warm([LIST])
        visit = road.visit()
        await visit.quiet()
        for after in (0, 0.9, 1, 59, 7, 86_400 * 0 + 100):
            clock.now = NOW + after
            before = len(visit.pipe.sent)
            await visit.say(LIST)
            head = bytes(visit.pipe.sent[before:]).partition(b"\r\n\r\n")[0].decode()
            date = next(line[6:] for line in head.split("\r\n") if line.startswith("Date: "))
            assert parsedate_to_datetime(date).timestamp() == int(NOW + after)
        await visit.leave()


async def test_other_settings_are_in_the_very_next_answer() -> None:
    """What was dressed by settings that are no longer in use is not given again; nor is what is forgotten."""
    async with Road(lane=True) as road:
        await road.warm(KNOWN)
        before = road.remembered.answered
        road.remembered.forget()
        visit = road.visit()
        await visit.quiet()
        await visit.ask(LIST)

        assert road.remembered.answered == before
        assert road.remembered.weight == len(LIST)
        await visit.leave()


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: close",),
        ("Content-Length: 0",),
        ("Expect: 100-continue",),
        ("Range: bytes=0-1",),
        ("Authorization: Basic x",),
        ("X-Long: " + "a" * 5000,),
    ],
)
async def test_what_is_more_than_a_question_is_never_remembered(lines: tuple[str, ...]) -> None:
    """However often it comes."""
    async with Road(lane=True) as road:
        for _ in range(4):
            visit = road.visit()
            await visit.quiet()
            assert (await visit.ask(get("/widget/list", *lines)))[-1][0] == b"HTTP/1.1 200 OK"
            await visit.leave()
        assert road.remembered.table == {}


@pytest.mark.parametrize("path", ["/nothing", "/widget/list?theme=pink", "/healthz", "/readyz", "/badge/nope.svg"])
async def test_what_is_not_cacheable_is_never_remembered(path: str) -> None:
    """Errors, and what must be true now."""
    async with Road(lane=True) as road:
        visit = road.visit()
        await visit.quiet()
        await visit.ask(*[get(path)] * 4)
        assert road.remembered.table == {}
        await visit.leave()


async def test_a_reader_that_does_not_read_is_given_no_more() -> None:
    """While what was sent waits to be taken, requests wait too, and are answered afterwards, all of them."""
    async with Road(lane=True) as road:
        await road.warm([LIST])
        visit = road.visit()
        await visit.quiet()
        visit.pipe.stuck = True
        await visit.ask(LIST)  # fills the pipe
        given = road.remembered.answered
        for _ in range(100):
            await visit.say(LIST)
            await asyncio.sleep(0)
        await visit.quiet()

        assert road.remembered.answered == given
        assert visit.pipe.held  # nothing more is read from it
        assert len(visit.pipe.waiting) < 3 * len(road.remembered.table[LIST].wire.at(NOW))  # type: ignore[union-attr]
        visit.pipe.take()
        await visit.quiet()
        assert len(answers(bytes(visit.pipe.sent))) >= 32
        await visit.leave()


async def test_the_access_log_has_every_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A line each, the same on both roads."""
    logger = logging.getLogger("ticker.access")
    caplog.set_level(logging.INFO, "ticker.access")
    lines = {}
    for lane in (True, False):
        caplog.clear()
        async with Road(lane=lane, access_log=logger, access_log_format='%a "%r" %s "%{User-Agent}i"') as road:
            visit = road.visit()
            await visit.quiet()
            await visit.ask(*[get("/widget/list?limit=2", "User-Agent: me/1")] * 5)
            await visit.leave()
            assert road.remembered.answered == (3 if lane else 0)
        lines[lane] = [record.getMessage() for record in caplog.records]

    assert lines[True] == lines[False] == ['192.0.2.1 "GET /widget/list?limit=2 HTTP/1.1" 200 "me/1"'] * 5


async def test_whoever_changes_a_response_changes_what_is_sent() -> None:
    """A header, body, cookie or status that a middleware sets is sent, and what it made is not remembered."""
    changes: dict[str, Callable[[web.Response], object]] = {
        "header": lambda response: response.headers.update({"X-More": "yes"}),
        "body": lambda response: (
            setattr(response, "body", b"other"),
            response.headers.update({"Content-Length": "5"}),
        ),
        "cookie": lambda response: response.set_cookie("a", "b"),
        "status": lambda response: response.set_status(203),
        "end": lambda response: response.force_close(),
    }
    expected = {"header": b"X-More: yes", "body": b"other", "cookie": b"a=b", "status": b"203", "end": b"close"}
    for name, change in changes.items():
        async with Road(lane=True) as road:

            @web.middleware
            async def meddle(request: web.Request, handler: Any, change: Any = change) -> web.StreamResponse:
                response = await handler(request)
                change(response)
                return response  # type: ignore[no-any-return]

            road.runner.app._middlewares_handlers = ((meddle, True), *(road.runner.app._middlewares_handlers or ()))
            for _ in range(4):
                visit = road.visit()
                await visit.quiet()
                await visit.say(LIST)
                assert expected[name] in await visit.quiet()
                await visit.leave()
            assert road.remembered.table == {}


async def test_this_aiohttp_is_as_the_lane_expects() -> None:
    """The check at the start finds nothing wrong."""
    assert await lane_check.why_not() is None


async def test_another_aiohttp_has_no_lane(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The lane is off, the log says why, and everything is answered all the same, guarded as ever."""

    async def not_so() -> str:
        return "it is other than it was"

    monkeypatch.setattr(lane_check, "why_not", not_so)
    async with Road(lane=True) as road:
        visit = road.visit()
        await visit.quiet()

        assert not isinstance(visit.protocol, Lane)
        assert len(await visit.ask(LIST, LIST, LIST)) == 3
        assert road.remembered.answered == 0
        assert "the fast lane is off: aiohttp" in caplog.text
        assert "it is other than it was" in caplog.text
        await visit.leave()


@pytest.mark.parametrize("part", ["_waiter", "_messages", "_next_keepalive_close_time"])
async def test_the_check_notices_what_is_missing(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """A part that is gone, or another thing of that name, is found out."""
    monkeypatch.setattr(lane_check.RequestHandler, part, property(lambda _: None, lambda *_: None))

    assert await lane_check.why_not() is not None


WIRE = Wire(200, (("X", "y"),), b"body", Edition(), "identity")


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By entries and by bytes, however many different requests come, and however often."""
    monkeypatch.setattr(remembered, "MOST_ENTRIES", 50)
    monkeypatch.setattr(remembered, "MOST_BYTES", 4000)
    monkeypatch.setattr(remembered, "MOST_SEEN", 100)
    clock = Clock()
    table = Remembered(clock)
    for _ in range(3):
        for i in range(2000):
            clock.now += 0.001
            request = b"%d" % (i % 700) * random.Random(i % 700).randrange(1, 60)
            table.remember(request, WIRE, ("/", 200))
            table.remember(request, WIRE, ("/", 200))
            assert len(table.table) <= 50
            assert table.weight <= 4000
            assert len(table._seen) + len(table._seen_before) <= 200
    assert table.weight == sum(map(len, table.table))


def test_requests_that_nobody_repeats_stay_outside() -> None:
    """A crowd of different headers, each seen once, leaves nothing behind and drives nobody out."""
    table = Remembered(Clock())
    for _ in range(2):
        table.remember(b"popular", WIRE, ("/", 200))
    for i in range(50_000):
        table.remember(b"once %d" % i, WIRE, ("/", 200))

    assert list(table.table) == [b"popular"]


def test_a_hostile_crowd_does_not_drive_out_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where each request comes twice: what is asked for in between stays."""
    monkeypatch.setattr(remembered, "MOST_ENTRIES", 100)
    clock = Clock()
    table = Remembered(clock)
    for _ in range(2):
        table.remember(b"popular", WIRE, ("/", 200))
    for i in range(20_000):
        clock.now += 0.0002  # 5,000 a second
        table.remember(b"hostile %d" % i, WIRE, ("/", 200))
        table.remember(b"hostile %d" % i, WIRE, ("/", 200))
        if i % 40 == 0:
            assert table.find(b"popular") is not None


def test_old_answers_are_let_go_of() -> None:
    """When the first answer of a new edition comes, those of the old one are dropped, and requests nobody repeated."""
    table = Remembered(Clock())
    old, new = Edition(), Edition()
    for request in (b"often", b"seldom"):
        for _ in range(2):
            table.remember(request, Wire(200, (), b"old", old, "identity"), ("/", 200))
    assert table.find(b"often") is not None
    old.over = True
    assert table.find(b"often") is None
    table.remember(b"another", Wire(200, (), b"new", new, "identity"), ("/", 200))

    assert {request: entry.wire for request, entry in table.table.items()} == {b"often": None}
    table.remember(b"often", Wire(200, (), b"new", new, "identity"), ("/", 200))
    assert (table.find(b"often") or b"").endswith(b"new")


async def test_named_origins_are_told_apart() -> None:
    """An answer for one site is never given to another: the Origin is in the bytes."""
    serving = replace(Serving(), cors_origins=("https://a.example", "https://b.example"))
    async with Road(lane=True, serving=serving) as road:
        visit = road.visit()
        await visit.quiet()
        for _ in range(4):
            for site in ("https://a.example", "https://b.example", "https://c.example"):
                ((_, headers, _),) = await visit.ask(get("/v1/prices", f"Origin: {site}"))
                allowed = [line for line in headers if line.startswith(b"Access-Control-Allow-Origin")]
                assert allowed == ([] if "c." in site else [f"Access-Control-Allow-Origin: {site}".encode()])
        assert road.remembered.answered == 6
        await visit.leave()


async def test_no_answer_is_torn_while_snapshots_change() -> None:
    """Body, tag and headers are of one snapshot each, on both roads, in every coding; the exam looks at a million."""
    judge, by_lane = await run(4_000, every=0.02)

    assert judge.torn == []
    assert judge.answers >= 4_000
    assert len(judge.snapshots) > 3
    assert judge.unchanged > 0
    assert by_lane > 0


async def test_every_answer_is_counted() -> None:
    """Whoever asks how many there were gets those of both roads."""
    async with Road(lane=True) as road:
        visit = road.visit()
        await visit.ask(*[LIST] * 7)
        assert 0 < road.remembered.answered < 7
        assert dict(road.runner.app[SEEN].requests) == {("widget", 200): 7}
        await visit.leave()


async def test_a_server_that_leaves_ends_its_connections() -> None:
    """From then on the lane is silent, and every answer asks for another connection."""
    async with Road(lane=True) as road:
        await road.warm([LIST])
        before = road.remembered.answered
        road.runner.app[READINESS].leave()
        for _ in range(3):
            visit = road.visit()
            ((_, headers, _),) = await visit.ask(LIST)
            assert b"Connection: close" in headers
            await visit.leave()
        assert road.remembered.answered == before

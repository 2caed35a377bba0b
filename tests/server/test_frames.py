"""What a stream says: everything first, then only what changed (design §7 SSE)."""

import msgspec
import pytest
from server.viewers import Frame, frames
from snapshots import COINS, NOW, price, snapshot

from ticker.model import Snapshot
from ticker.server.frames import BRIDGED, Frames
from ticker.server.params import DEFAULTS, RequestError, prices, stream
from ticker.server.pen import Pen, moment
from ticker.server.views import prices_json

BITCOIN, *OTHERS = snapshot().prices


def made(**query: str) -> Frames:
    """The frames of a query."""
    ask = stream(list(query.items()), DEFAULTS)
    return Frames(ask, Pen(ask.currency, ask.locale if ask.texts else None))


def one(body: bytes) -> Frame:
    """The only event in some bytes."""
    (found,) = frames(body)
    return found


def bitcoin_at(seq: int, value: str) -> Snapshot:
    """The usual snapshot with another price of bitcoin."""
    return snapshot(seq, prices=(price("bitcoin", value), *OTHERS))


@pytest.mark.parametrize("query", [{}, {"coins": "ethereum,bitcoin"}, {"locale": "de", "currency": "btc"}])
def test_a_full_frame_says_what_the_json_says(query: dict[str, str]) -> None:
    """The same Prices as `/v1/prices` with the same parameters."""
    said = made(**query)
    said.take(moment(snapshot(), NOW))
    found = one(said.full())
    asked = prices_json(snapshot(), prices(list(query.items()), None, DEFAULTS), NOW)

    assert (found.id, found.full) == ("7-1", True)
    assert found.prices == {given["id"]: given for given in msgspec.json.decode(msgspec.json.encode(asked))["prices"]}


def test_only_what_changed_is_told() -> None:
    """One coin moved: one Price; nothing moved: nothing at all."""
    said = made()
    assert said.take(moment(snapshot(), NOW))
    assert not said.take(moment(snapshot(2), NOW))
    assert said.take(moment(bitcoin_at(3, "65000"), NOW))
    found = one(said.after(said.generation - 1))

    assert (found.id, found.full, list(found.prices)) == ("7-3", False, ["bitcoin"])
    assert found.prices["bitcoin"]["price"] == "65000"


def test_a_rung_of_the_ladder_is_a_change() -> None:
    """The same snapshot two minutes later: delayed, in words too."""
    said = made(locale="en")
    newer = snapshot(prices=(price("bitcoin", "1"), price("ethereum", "2", NOW + 60), *OTHERS[1:]))
    said.take(moment(newer, NOW))
    assert not said.take(moment(newer, NOW + 119))
    assert said.take(moment(newer, NOW + 120))
    found = one(said.after(said.generation - 1))

    assert {name: given["freshness"] for name, given in found.prices.items()} == {
        "bitcoin": "delayed",
        "pirate-chain": "delayed",
    }
    assert found.prices["bitcoin"]["text"]["notes"][0] == "delayed"


def test_a_gap_is_bridged_with_what_changed_since() -> None:
    """Whoever saw snapshot 2 last is told of what moved in 3 and 4, whoever saw 4 of nothing."""
    said = made()
    for seq, value in enumerate(("1", "2", "3", "3"), start=1):
        said.take(moment(bitcoin_at(seq, value), NOW))

    bridged = one(said.since("7-2"))
    assert (bridged.full, list(bridged.prices)) == (False, ["bitcoin"])
    assert (one(said.since("7-4")).full, one(said.since("7-4")).prices) == (False, {})
    assert one(said.since("7-3")).prices == {}  # 4 changed nothing


def test_a_rung_after_the_last_snapshot_seen_is_bridged_too() -> None:
    """The id is that of the snapshot; what changed with time alone since it began is told again."""
    said = made()
    said.take(moment(snapshot(), NOW))
    said.take(moment(snapshot(), NOW + 120))

    assert set(one(said.since("7-1")).prices) == {"bitcoin", "ethereum", "pirate-chain"}


def test_a_rung_that_happened_before_the_stream_began_is_told() -> None:
    """Whoever saw snapshot 1 live elsewhere hears here that it is delayed."""
    said = made()
    said.take(moment(snapshot(), NOW + 120, first=False))
    assert one(said.since("7-1")).full

    said.take(moment(bitcoin_at(2, "65000"), NOW + 300, first=False))
    assert set(one(said.since("7-2")).prices) == {"bitcoin", "ethereum", "pirate-chain"}


@pytest.mark.parametrize("event", [None, "", "7-99", "6-1", "nonsense", "7-1\n", "9" * 5000])
def test_what_cannot_be_bridged_is_full(event: str | None) -> None:
    """An id that was never seen, and no id."""
    said = made()
    said.take(moment(snapshot(), NOW))

    assert one(said.since(event)).full


def test_the_ring_is_bounded() -> None:
    """The oldest snapshot is forgotten; the last ones are bridged."""
    said = made(coins="bitcoin")
    for seq in range(1, BRIDGED + 2):
        said.take(moment(bitcoin_at(seq, str(seq)), NOW))

    assert one(said.since("7-1")).full
    assert not one(said.since("7-2")).full
    assert len({said.since(f"7-{seq}") for seq in range(2, 52)}) == 1  # bitcoin changed every time
    assert len(said._seen) == BRIDGED
    assert len(said._ready) < 10


def test_a_coin_that_is_no_longer_listed_needs_everything() -> None:
    """A removed coin cannot be told as a change; a new one, too, comes with everything."""
    said = made()
    said.take(moment(snapshot(), NOW))
    said.take(moment(snapshot(2, shown=("bitcoin", "ethereum")), NOW))
    found = one(said.after(said.generation - 1))

    assert (found.full, set(found.prices)) == (True, {"bitcoin", "ethereum"})
    assert one(said.since("7-1")).full
    said.take(moment(snapshot(3), NOW))
    assert len(one(said.after(said.generation - 1)).prices) == 3


def test_a_coin_that_is_not_there_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(RequestError):
        made(coins="bitcoin,dogecoin").take(moment(snapshot(), NOW))


def test_a_stream_without_coins_says_so() -> None:
    """Nothing shown: a full frame of nothing."""
    said = made()
    said.take(moment(snapshot(shown=()), NOW))

    assert one(said.full()) == Frame("7-1", full=True, prices={})


def test_a_pen_writes_once_what_says_the_same() -> None:
    """The same bytes for every stream, and while nothing changes, not even written anew."""
    pen = Pen("usd", "en")
    first = pen.write("bitcoin", moment(snapshot(), NOW))

    assert pen.write("bitcoin", moment(snapshot(2), NOW + 60)) is first
    assert pen.write("bitcoin", moment(bitcoin_at(3, "65000"), NOW + 60)) != first
    pen.write("ethereum", moment(snapshot(4, coins=COINS[1:], prices=tuple(OTHERS)), NOW))
    assert set(pen._written) == {"ethereum"}


def test_a_pen_follows_the_rate() -> None:
    """In bitcoin, ethereum changes with bitcoin, and bitcoin does not."""
    pen = Pen("btc", None)
    before = [pen.write(name, at) for at in [moment(snapshot(), NOW)] for name in ("bitcoin", "ethereum")]
    after = [pen.write(name, at) for at in [moment(bitcoin_at(2, "32125.06"), NOW)] for name in ("bitcoin", "ethereum")]

    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("text", ["a\nb", "a\r\ndata: x\n\nb", "\u2028", "</script>"])
def test_no_name_ends_a_line(text: str) -> None:
    """What ops write into a name stays inside of its event."""
    said = made(coins="bitcoin")
    renamed = (msgspec.structs.replace(COINS[0], name=text), *COINS[1:])
    said.take(moment(snapshot(coins=renamed), NOW))

    assert one(said.full()).prices["bitcoin"]["name"] == text
    assert len(said.full().splitlines()) - said.full().count("\u2028".encode()) <= 4

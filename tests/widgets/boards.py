"""Boards to draw: the reference sidebar of eleven coins on a fixed day, OpenVoiceCoin without a price, all states."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from widgets.board import Board, Chart, Credit, Row

AT = datetime(2026, 11, 22, 21, 4, 10, tzinfo=UTC)

_COINS = (
    ("bitcoin", "Bitcoin", "BTC", "64250.12", "-1.87"),
    ("ethereum", "Ethereum", "ETH", "3184.46", "2.31"),
    ("neo", "NEO", "NEO", "9.871", "0.64"),
    ("waves", "Waves", "WAVES", "1.083", "-0.42"),
    ("monero", "Monero", "XMR", "172.35", "3.08"),
    ("nano", "Nano", "NANO", "0.93417", "-2.15"),
    ("ark", "ARK", "ARK", "0.4082", "1.12"),
    ("pirate-chain", "Pirate Chain", "ARRR", "0.21734", "-5.60"),
    ("dogecoin", "Dogecoin", "DOGE", "0.12406", "12.44"),
    ("litecoin", "Litecoin", "LTC", "84.29", "0.00"),
    ("cardano", "Cardano", "ADA", "0.38561", "-0.91"),
)


def row(coin: str, name: str, symbol: str, price: str, change: str | None, *, age: int = 6) -> Row:
    """A live row that five sources agree on, `age` seconds old."""
    as_of = AT - timedelta(seconds=age)
    return Row(
        coin=coin,
        name=name,
        symbol=symbol,
        price=Decimal(price),
        change=None if change is None else Decimal(change),
        freshness="live",
        agreement="ok",
        used=5,
        total=7,
        as_of=as_of,
        live_until=as_of + timedelta(seconds=120),
        delayed_until=as_of + timedelta(seconds=300),
        gone_at=as_of + timedelta(minutes=60),
    )


def walk(
    seed: int, count: int, last: Decimal, gap: range = range(0), change: Decimal | None = None
) -> tuple[Decimal | None, ...]:
    """Past prices that end at `last`, after a `change` in percent, always the same for a seed, unknown in `gap`."""
    steps = random.Random(seed)
    prices = [1.0]
    for _ in range(count - 1):
        prices.append(prices[-1] * (1 + steps.gauss(0, 0.004)))
    drift = (1 + float(change or 0) / 100) * prices[0] / prices[-1]
    straight = [price * drift ** (n / (count - 1)) for n, price in enumerate(prices)]
    return tuple(
        None if n in gap else Decimal(f"{one * float(last) / straight[-1]:.6g}") for n, one in enumerate(straight)
    )


def chart(seed: int, last: Decimal, gap: range = range(30, 41), change: Decimal | None = None) -> Chart:
    """A day in quarters of an hour, with a gap of two and a half hours."""
    return Chart(AT - timedelta(days=1), AT, walk(seed, 97, last, gap, change))


def enriched(line: Row, place: int) -> Row:
    """A row with everything there is: the three changes, high and low, volume and cap, a line and a chart."""
    if line.price is None:
        return line
    return replace(
        line,
        spark=walk(place, 48, line.price, change=line.change),
        changes=(Decimal("0.31") * (place - 4), line.change, None if line.change is None else line.change * 2),
        high=line.price * Decimal("1.021"),
        low=line.price * Decimal("0.974"),
        volume=line.price * 1_000_000 * (place + 3),
        cap=Decimal("1.2208e12") / (place + 1) ** 3,
        chart=chart(place + 50, line.price, change=line.change),
    )


OPENVC = Row("openvoicecoin", "OpenVoiceCoin", "OPENVC", None, None, "none", "none")
CREDITS = (
    Credit("CoinGecko", "https://www.coingecko.com/"),
    Credit("Kraken", "https://www.kraken.com/"),
    Credit("CoinPaprika", "https://coinpaprika.com/"),
)


def reference() -> Board:
    """The reference sidebar: eleven coins in their order, all live; ages differ by a few seconds."""
    rows = tuple(row(*coin, age=3 + 5 * place % 23) for place, coin in enumerate(_COINS))
    return Board(rows, as_of=min(line.as_of for line in rows if line.as_of), credits=CREDITS)


def mixed() -> Board:
    """The same with every state somewhere, and OpenVoiceCoin, which nobody quotes."""
    rows = list(reference().rows)
    rows[2] = replace(rows[2], agreement="degraded", used=2)
    rows[3] = replace(rows[3], freshness="delayed", as_of=AT - timedelta(seconds=200))
    rows[5] = replace(rows[5], freshness="stale", as_of=AT - timedelta(minutes=33))
    rows[6] = replace(rows[6], agreement="disputed", freshness="stale", as_of=AT - timedelta(minutes=6))
    rows[7] = replace(rows[7], agreement="single", used=1, total=1)
    rows[8] = replace(rows[8], agreement="single", freshness="delayed", as_of=AT - timedelta(seconds=200))
    rows[10] = replace(rows[10], change=None)
    fixed = Row("house-token", "House Token", "HOUSE", Decimal(1), None, "live", "fixed")
    tiny = row("pepe", "Pepe", "PEPE", "0.00000921", "17.02")
    return Board(
        (*rows, tiny, fixed, OPENVC),
        as_of=AT - timedelta(minutes=33),
        credits=CREDITS,
        simulated=True,
        disclaimer="Prices are for information only and are no advice.",
    )


def label(line: Row | None = None) -> Board:
    """A board of one coin: the first of the reference, or `line`."""
    line = line or reference().rows[0]
    return Board((line,), as_of=line.as_of, credits=CREDITS[:1])


def rich(board: Board | None = None) -> Board:
    """The reference, or another board, with everything there is in every row."""
    board = board or reference()
    return replace(board, rows=tuple(enriched(line, place) for place, line in enumerate(board.rows)))


def rich_one() -> Board:
    """Bitcoin alone, with everything there is."""
    return replace(rich(), rows=rich().rows[:1], credits=CREDITS[:1])

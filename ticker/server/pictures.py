"""What each kind of widget is drawn from: its board with icons, lines and charts, sorted and paged; its options.

Pure but for the memory of past prices, which is asked and never waited for.

Knows which kind needs what; `views` knows snapshots, `widgets` knows how it looks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

from ticker.conversion import rate_of
from ticker.currencies import CURRENCIES, DOLLAR
from ticker.model import Coin, Price, Snapshot
from ticker.server import views
from ticker.server.filled import Drawn, Grid
from ticker.server.params import Ask, Defaults, columns, default_limit
from ticker.server.past import CHARTS, SPARKS, Memory
from ticker.store.base import FILLER
from widgets.board import Board, Chart, Options, Row
from widgets.render import BASE

Icons = Callable[[str, str | None], str | None]
"""The address of the icon of a coin, by its id and the file its configuration names; None where there is none."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Draws boards from snapshots. `origin` is where readers reach us."""

    origin: str
    disclaimer: str = ""
    past: Memory | None = None
    icon: Icons = lambda coin, named: None

    def board(self, kind: str, snapshot: Snapshot, ask: Ask, now: float) -> Board:
        """What a widget of `kind` draws at `now`. Raises `RequestError` for a coin that is not there."""
        paged = kind == "table"
        board = views.board(snapshot, replace(ask, limit=None) if paged else ask, now, self.disclaimer)
        rows = board.rows
        if paged:
            rows = in_order(rows, ask.sort)
            size = ask.limit or len(rows) or 1
            pages = max(1, -(-len(rows) // size))
            page = min(ask.page, pages)
            rows = rows[(page - 1) * size : page * size]
            times = [row.as_of for row in rows if row.price is not None and row.as_of is not None]
            board = replace(board, page=page, pages=pages, as_of=min(times, default=None))
        prices = snapshot.by_coin()
        return replace(board, rows=tuple(self._row(kind, row, *prices[row.coin], snapshot, ask, now) for row in rows))

    def _row(self, kind: str, row: Row, coin: Coin, price: Price, snapshot: Snapshot, ask: Ask, now: float) -> Row:
        row = replace(row, icon=self.icon(row.coin, row.icon))
        if self.past is None:
            return row
        if "spark" in ask.show and _comparable(snapshot, ask.currency):
            grid = SPARKS["7d" if kind == "table" else ask.change]
            found = self._drawn(snapshot, coin, grid, price, now)
            row = replace(row, spark=() if found is None else found.prices, filled=0 if found is None else found.filled)
        if kind == "chart":
            row = replace(row, chart=_chart(self._drawn(snapshot, coin, CHARTS[ask.range], price, now), now))
        return row

    def _drawn(self, snapshot: Snapshot, coin: Coin, grid: Grid, price: Price, now: float) -> Drawn | None:
        """What is known of the past, and in the last slot what is so now.

        What one source told us is drawn only where its credit is shown.
        """
        if self.past is None:
            return None
        credited = any(one.source == FILLER for one in snapshot.credits)
        found = self.past.drawn(coin, grid, now, filled=credited)
        if found is None or price.freshness(now) not in ("live", "delayed"):
            return found
        return replace(found, prices=(*found.prices[:-1], price.price))

    def options(self, kind: str, ask: Ask, defaults: Defaults) -> Options:
        """How it is drawn."""
        options = views.options(ask, self.origin, ask.up)
        own = {"kind": "" if kind in BASE else kind, "look": "" if ask.look == "card" else ask.look}
        more = urlencode({name: value for name, value in own.items() if value})
        sheet = f"{options.stylesheet}?{more}" if more else options.stylesheet
        return replace(
            options,
            stylesheet=sheet,
            look=ask.look,  # type: ignore[arg-type]  # params allows no other
            density=ask.density,  # type: ignore[arg-type]
            sort=ask.sort,
            range=ask.range,  # type: ignore[arg-type]
            address=f"{self.origin}/embed/{kind}",
            query=query(kind, ask, defaults),
        )


def in_order(rows: tuple[Row, ...], sort: str) -> tuple[Row, ...]:
    """The rows by a column, the largest first where there is a "-" before it; what is unknown comes last, always."""
    by, falling = sort.removeprefix("-"), sort.startswith("-")
    if not by:
        return rows
    if by == "name":
        return tuple(sorted(rows, key=lambda row: row.name.casefold(), reverse=falling))
    figure: Mapping[str, Callable[[Row], Decimal | None]] = {
        "price": lambda row: row.price,
        "cap": lambda row: row.cap,
        "volume": lambda row: row.volume,
        "1h": lambda row: row.changes[0],
        "24h": lambda row: row.changes[1],
        "7d": lambda row: row.changes[2],
    }
    known = [(value, row) for row in rows if (value := figure[by](row)) is not None]
    known.sort(key=lambda one: one[0], reverse=falling)
    return (*(row for _, row in known), *(row for row in rows if figure[by](row) is None))


def query(kind: str, ask: Ask, defaults: Defaults) -> tuple[tuple[str, str], ...]:
    """The parameters that lead to this picture again, but for `sort`, `page`, `range`, `css` and every default."""
    usual = Ask(
        currency=defaults.currency,
        locale=defaults.locale,
        theme=defaults.theme,
        title=defaults.title,
        up=defaults.up,
        show=columns(kind),
        limit=default_limit(kind, () if ask.coins is None else ("coins",)),
    )
    found = []
    for name in (
        "coins",
        "currency",
        "limit",
        "locale",
        "theme",
        "change",
        "show",
        "title",
        "look",
        "density",
        "up",
        "zeros",
    ):
        value = getattr(ask, name)
        if value is not None and value != getattr(usual, name):
            found.append((name, ",".join(value) if isinstance(value, tuple) else str(value)))
    return tuple(found)


def _comparable(snapshot: Snapshot, currency: str) -> bool:
    """Whether the past, which is in dollars, has the same shape in a currency: as high and low, not in a coin."""
    rate = rate_of(snapshot, currency)
    return currency == DOLLAR or (rate is not None and rate.price is not None and CURRENCIES[currency].coin is None)


def _chart(drawn: Drawn | None, now: float) -> Chart | None:
    if drawn is None:
        return None
    last = now // drawn.grid.width * drawn.grid.width
    first, final = (datetime.fromtimestamp(at, UTC) for at in (last - drawn.grid.span, last))
    return Chart(first, final, drawn.prices, filled=drawn.filled)

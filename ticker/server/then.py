"""`/widget/price/{coin}`: a price in a sentence, with `on` beside the price of another day.

Past prices are kept in dollars, so with `on` the currency is the dollar whatever the default.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import msgspec

from ticker.model import Snapshot
from ticker.server import params, views
from ticker.server.history import History, asked
from ticker.server.params import Ask, Defaults, RequestError
from widgets import render
from widgets.then import Then


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is asked for: a coin now, and perhaps a day of the past."""

    ask: Ask
    on: date | None


def sentence(query: Sequence[tuple[str, str]], coin: str, defaults: Defaults) -> Sentence:
    """The sentence behind a URL. Raises `RequestError`."""
    given = params.known(query, {"on"})
    if "on" not in given:
        return Sentence(params.widget(query, coin, defaults), None)
    if params.known(query, {"currency"}).get("currency", "usd") != "usd":
        raise RequestError("bad_parameter", "past prices are kept in usd; leave currency out", "currency")
    try:
        on = date.fromisoformat(given["on"])
    except ValueError:
        on = None
    if on is None or on.isoformat() != given["on"]:
        raise RequestError("bad_parameter", "on must be a day such as 2026-07-27", "on")
    return Sentence(params.widget(query, coin, replace(defaults, currency="usd")), on)


async def then(what: Sentence, past: History | None, snapshot: Snapshot, now: float) -> Then | None:
    """The first price of the day asked for, in today's unit; None where none was asked for. Raises `RequestError`."""
    if what.on is None:
        return None
    ((coin, _),) = views.chosen(snapshot, what.ask)
    day = what.on.isoformat()
    try:
        days = asked([("from", day), ("to", day), ("step", "1d")], coin.id, now)
    except RequestError:
        raise RequestError("bad_parameter", "on must be a day since 1970, and not in the future", "on") from None
    if past is None:
        return Then(what.on, None)
    answer = await past.get(replace(days, since=coin.since or 0.0), simulated=snapshot.simulated)
    points = msgspec.json.decode(answer.body)["points"]
    return Then(what.on, Decimal(points[0][1]) if points else None)


def draw(what: Sentence, found: Then | None, origin: str, up: str, snapshot: Snapshot, now: float) -> bytes:
    """The fragment."""
    board = views.board(snapshot, what.ask, now)
    options = views.options(what.ask, origin, up)
    return render.price(board, replace(options, stylesheet=f"{options.stylesheet}?kind=price"), found).encode()

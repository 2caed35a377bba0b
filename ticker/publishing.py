"""What `ticker publish` writes: every widget and the JSON of a snapshot, as files by their paths. Pure.

A file is named like the URL of the service with the ending of its kind (`widget/list.html` for `/widget/list`), so any
bucket tells its type, and a server that tries endings has the very URLs of the service. Knows the drawing of `server`;
nothing of folders and of HTTP.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ticker.model import Snapshot
from ticker.server import badge, oembed, params, places, views
from ticker.server.app import Serving
from ticker.server.codings import SMALLEST, compress
from ticker.server.pictures import Pictures
from widgets import render
from widgets.element.script import script

OF_ONE = ("label", *params.OF_ONE)  # kinds of one coin: a file for each coin that the list shows


@dataclass(frozen=True, slots=True)
class File:
    """What a file holds. `news` is what makes it worth writing anew: all but the number and time of its making."""

    body: bytes
    news: bytes


def files(
    snapshot: Snapshot, serving: Serving, pictures: Pictures, now: float, *, compressed: bool = False
) -> dict[str, File]:
    """Path to file, of all there is to publish at `now`; with `compressed` also each path with ".gz" behind it."""
    found = dict(_all(snapshot, serving, pictures, now))
    if compressed:
        for path, file in list(found.items()):
            smaller = compress("gzip", file.body) if len(file.body) >= SMALLEST else file.body
            if len(smaller) < len(file.body):
                found[f"{path}.gz"] = File(smaller, file.news)
    return found


def _all(snapshot: Snapshot, serving: Serving, pictures: Pictures, now: float) -> Iterator[tuple[str, File]]:
    # A static host does not look at `?kind=`: one style for all.
    yield "embed.css", _file(render.stylesheet(*render.KINDS).encode())
    for kind in render.KINDS:
        for door, draw in (("widget", render.render), ("embed", render.page)):
            yield f"{door}/{kind}.html", _drawn(draw, kind, None, snapshot, serving, pictures, now)
            if kind in OF_ONE:
                for coin in snapshot.shown:
                    yield f"{door}/{kind}/{coin}.html", _drawn(draw, kind, coin, snapshot, serving, pictures, now)
    yield "embed.js", _file(script().encode())
    for one in snapshot.coins:
        ask = params.badge([], one.id, serving.defaults)
        for ending, body in badge.files(snapshot, ask, now, serving.defaults).items():
            yield f"badge/{one.id}.{ending}", _file(body)
    yield "v1/coins.json", _json(views.coins_json(snapshot))
    yield "v1/prices.json", _json(views.prices_json(snapshot, params.prices([], None, serving.defaults), now))
    for one in snapshot.coins:
        ask = params.prices([], one.id, serving.defaults)
        yield f"v1/prices/{one.id}.json", _json(views.prices_json(snapshot, ask, now))


def _drawn(
    draw: Callable[..., str],
    kind: str,
    coin: str | None,
    snapshot: Snapshot,
    serving: Serving,
    pictures: Pictures,
    now: float,
) -> File:
    """One widget as the operator set it up, which is how the service shows it to whoever asks for nothing else."""
    ask = params.widget([], coin, serving.defaults, kind)
    board = pictures.board(kind, snapshot, ask, now)
    discovery = oembed.discovery(places.of_ask(kind, coin, ask, serving.defaults), serving.origin)
    options = replace(pictures.options(kind, ask, serving.defaults), discovery=discovery)
    return _file(draw(kind, board, options).encode())


def _file(body: bytes) -> File:
    return File(body, body)


def _json(value: dict[str, Any]) -> File:
    lasting = {key: one for key, one in value.items() if key not in ("id", "built_at")}
    return File(msgspec.json.encode(value), msgspec.json.encode(lasting))

"""What the templates see: a board as text, cleaned and formatted, with every decision already taken.

`Context` is all that a template may use; its fields are the template's variables. Nothing here is HTML but the marks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from markupsafe import Markup

from widgets.board import Board, Credit, Options, Row
from widgets.format import (
    NONE,
    Change,
    amount,
    change,
    clock,
    compact,
    count,
    iso,
    moment,
    price,
    round_price,
    short_price,
    span,
)
from widgets.hooks import hooks
from widgets.links import Choice, Head, Pages, heads, pages, ranges
from widgets.marks import mark
from widgets.plot import Plot, plot
from widgets.spark import rise, spark
from widgets.text import clean, own_path, web_address
from widgets.words import counted, direction, language, words

COLUMNS = ("logo", "name", "price", "symbol", "change", "cap", "volume", "spark")
PERIODS = ("1h", "24h", "7d")
AMOUNTS = (1, 10, 100, 1000)  # that a converter tells
_LONGEST = {"name": 40, "symbol": 12, "currency": 24, "title": 80, "credit": 120, "disclaimer": 400, "coin": 64}


@dataclass(frozen=True, slots=True)
class Note:
    """A few words for readers; where they say a moment ("as of Nov 22, 2026, 21:04 UTC"), also for machines."""

    text: str
    iso: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One coin. `facts` are the hooks for scripts, by attribute; None is not printed. `notes` are the quiet words
    beside it, weightiest first, and `why` the sentences behind them; `price` and `change` are None where there is none;
    `short` is a tiny price with its zeros counted, for eyes, where that is wanted.
    `changes` are by period. `worth` is what so much of the coin costs, `buys` what so much money buys of it.
    """

    facts: Mapping[str, str | None]
    name: str
    symbol: str
    link: str | None
    icon: str | None
    mark: Markup
    price: str | None
    short: str | None
    change: Change | None
    cap: str
    volume: str
    notes: tuple[Note, ...]
    why: str
    sources: str | None
    spark: Markup | None
    changes: Mapping[str, Change | None]
    high: str | None
    low: str | None
    plot: Plot | None
    worth: tuple[tuple[str, str], ...]
    buys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Context:
    """The variables of a widget's template. `css` is the constant style, empty where it is not to be printed."""

    kind: str
    title: str
    label: str
    lang: str
    dir: str
    theme: str
    scheme: str
    up: str
    look: str | None
    density: str | None
    show: tuple[str, ...]
    period: str
    day: str
    currency: str
    rows: tuple[Line, ...]
    heads: tuple[Head, ...]
    pages: Pages | None
    ranges: tuple[Choice, ...]
    as_of: Note | None
    rate: str | None
    rate_as_of: Note | None
    credits: tuple[tuple[str, str | None], ...]
    simulated: bool
    disclaimer: str
    css: Markup
    stylesheet: str | None
    discovery: str
    dash: str
    say: Mapping[str, str]
    framed: bool
    hooks: Mapping[str, str | None]
    script: str


def context(kind: str, board: Board, options: Options, css: Markup, *, framed: bool) -> Context:
    """`board` as `options` want it, ready to print; `framed` where it is a page of its own in an iframe."""
    say = words(options.locale)
    currency = clean(board.currency, _LONGEST["currency"])
    title = clean(options.title, _LONGEST["title"])
    show = _columns(board, options)
    return Context(
        kind=kind,
        title=title,
        label=title or say["prices"],
        lang=language(options.locale),
        dir=direction(options.locale),
        theme=options.theme,
        scheme="light dark" if options.theme == "auto" else options.theme,
        up=options.up,
        look=None if options.look == "card" else options.look,
        density=None if options.density == "normal" else options.density,
        show=show,
        period=span(options.change, options.locale),
        day=span("24h", options.locale),
        currency=currency,
        rows=tuple(_line(kind, row, currency, options) for row in board.rows),
        heads=heads(_heads(show), options, framed=framed) if kind == "table" else (),
        pages=pages(board, options, framed=framed),
        ranges=ranges(options, framed=framed) if kind == "chart" else (),
        as_of=as_of_note(board.as_of, options.locale),
        rate=_rate(board, currency, options.locale),
        rate_as_of=as_of_note(board.rate_as_of, options.locale),
        credits=tuple(_credit(credit) for credit in board.credits),
        simulated=board.simulated,
        disclaimer=clean(board.disclaimer, _LONGEST["disclaimer"]),
        css=css if options.css == "inline" else Markup(""),
        stylesheet=options.stylesheet if options.css == "link" else None,
        discovery=options.discovery if framed else "",
        dash=NONE,
        say=say,
        framed=framed,
        hooks=hooks(options),
        script=options.script if framed else "",
    )


def _columns(board: Board, options: Options) -> tuple[str, ...]:
    """The columns asked for, once each. In another currency changes are often not known at all: no empty column."""
    known = {"change": any(row.change is not None or any(row.changes) for row in board.rows)}
    known["spark"] = any(row.spark for row in board.rows)
    empty = {one for one in known if board.rate is not None and not known[one]}
    return tuple(dict.fromkeys(one for one in options.show if one in COLUMNS and one not in empty))


def _heads(show: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a table: the name with all that belongs to it is the first, a change is one for each period."""
    rest = [one for one in show if one not in ("logo", "name", "symbol")]
    return "name", *(part for one in rest for part in (PERIODS if one == "change" else (one,)))


def _rate(board: Board, currency: str, locale: str) -> str | None:
    """What the currency was counted at: "€1.00 = $1.162"."""
    if board.rate is None:
        return None
    return f"{price(Decimal(1), currency, locale)} = {price(board.rate, 'usd', locale)}"


def _line(kind: str, row: Row, currency: str, options: Options) -> Line:
    locale = options.locale
    text = price(row.price, currency, locale) if row.freshness != "none" else NONE
    if text == NONE:
        none = (None, None, None)
        row = replace(row, price=None, change=None, freshness="none", changes=none, spark=(), high=None, low=None)
    coin, symbol = clean(row.coin, _LONGEST["coin"]), clean(row.symbol, _LONGEST["symbol"])
    notes, why = row_notes(row, locale)
    icon = own_path(row.icon)
    name = clean(row.name, _LONGEST["name"])
    worth, buys = _conversions(row.price, currency, symbol, locale) if kind == "converter" else ((), ())
    return Line(
        facts={
            "data-coin": coin,
            "data-freshness": row.freshness,
            "data-agreement": row.agreement,
            "data-as-of": _iso(row.as_of),
            "data-live-until": _iso(row.live_until),
            "data-delayed-until": _iso(row.delayed_until),
            "data-gone-at": _iso(row.gone_at),
        },
        name=name,
        symbol=symbol,
        link=web_address(row.link),
        icon=None if icon is None else options.origin.rstrip("/") + icon,
        mark=mark(coin, symbol),
        price=None if row.price is None else text,
        short=short_price(row.price, currency, locale) if options.zeros == "count" else None,
        change=change(row.change, locale),
        cap=compact(row.cap, currency, locale),
        volume=compact(row.volume, currency, locale),
        notes=notes,
        why=why,
        sources=row_sources(row, locale),
        spark=_spark(kind, row, options) if "spark" in options.show else None,
        changes={period: change(one, locale) for period, one in zip(PERIODS, row.changes, strict=True)}
        if kind == "table"
        else {},
        high=None if row.high is None else price(row.high, currency, locale),
        low=None if row.low is None else price(row.low, currency, locale),
        plot=plot(row.chart, options.range, name, locale) if kind == "chart" and row.chart else None,
        worth=worth,
        buys=buys,
    )


def _spark(kind: str, row: Row, options: Options) -> Markup | None:
    """The line, in the colour of the change of its period where that is known; a table's is of seven days.

    Where it is not, the colour is that of settled prices alone: no change is between two sources.
    """
    moved = change(row.changes[2] if kind == "table" else row.change, options.locale)
    return spark(row.spark, moved.direction if moved else rise(row.spark[row.filled :]))


def _conversions(
    value: Decimal | None, currency: str, symbol: str, locale: str
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Round amounts of the coin in money, and of money in the coin; nothing where there is no price."""
    if value is None:
        return (), ()
    amounts = [Decimal(one) for one in AMOUNTS]
    return (
        tuple((amount(one, symbol, locale), price(one * value, currency, locale)) for one in amounts),
        tuple((round_price(one, Decimal(1), currency, locale), amount(one / value, symbol, locale)) for one in amounts),
    )


def row_notes(row: Row, locale: str) -> tuple[tuple[Note, ...], str]:
    """The words beside a row and why. What does not fit is cut from the end, so an old price's age comes first."""
    say = words(locale)
    if row.price is None:
        return (Note(say["none"]), *([Note(say["disputed"])] if row.agreement == "disputed" else [])), ""
    marked = row.agreement in ("single", "degraded", "disputed", "fixed")
    notes = [Note(say[row.agreement])] if marked else []
    why = [say[row.agreement + "_why"]] if marked else []
    if row.as_of is not None and (row.freshness != "live" or row.agreement == "disputed"):
        time = Note(clock(row.as_of, locale), iso(row.as_of))
        if row.freshness == "stale":
            notes.insert(0, time if notes else replace(time, text=say["as_of"].format(time.text)))
        else:
            notes.append(time)
        why.append(_as_of(row.as_of, locale))
    if row.freshness == "delayed":
        notes.insert(0, Note(say["delayed"]))
    return tuple(notes), " ".join(why)


def row_sources(row: Row, locale: str) -> str | None:
    """How many sources agree on a price; None where there is none, or no source."""
    if row.price is None or not row.total:
        return None
    return counted("from", row.total, locale).format(used=count(row.used, locale), total=count(row.total, locale))


def _credit(credit: Credit) -> tuple[str, str | None]:
    url = web_address(credit.url)
    host = urlsplit(url).hostname if url else None
    return clean(credit.text, _LONGEST["credit"]) or host or "", url


def as_of_note(at: datetime | None, locale: str) -> Note | None:
    """A moment for readers: "as of Nov 22, 2026, 21:04 UTC". None for None."""
    return None if at is None else Note(_as_of(at, locale), iso(at))


def _as_of(at: datetime, locale: str) -> str:
    return words(locale)["as_of"].format(moment(at, locale))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)

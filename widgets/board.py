"""What a widget is given: a board of rows, and how the reader wants to see it. All data, nothing formatted.

Times are aware datetimes in UTC, amounts `Decimal`, absence None. Whoever builds a board has already decided what may
be shown: a row whose price is gone has `price=None` and `freshness="none"`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Agreement = Literal["ok", "degraded", "single", "disputed", "fixed", "none"]
Freshness = Literal["live", "delayed", "stale", "none"]
Period = Literal["1h", "24h", "7d"]
Theme = Literal["auto", "light", "dark"]
Css = Literal["inline", "link", "none"]
Up = Literal["green", "red", "blue"]
Zeros = Literal["all", "count"]
Look = Literal["plain", "card", "glass", "terminal", "news"]
Density = Literal["compact", "normal", "roomy"]
Range = Literal["24h", "7d", "30d"]


@dataclass(frozen=True, slots=True)
class Chart:
    """Past prices of one coin from `start` to `end`, evenly spaced, the first at `start` and the last at `end`.

    None is a slot of which nothing is known: it is drawn as a gap. `currency` is what they are counted in. The first
    `filled` prices are the word of one source instead of settled ones: they are drawn apart, and no figure is of them.
    """

    start: datetime
    end: datetime
    prices: tuple[Decimal | None, ...]
    currency: str = "usd"
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One coin as a reader sees it. `change` is in percent over `Options.change`; `used` of `total` sources agree.

    `icon` is a path on our own server ("/icons/nano.svg"), `link` a web address; anything else is left out. `changes`
    are those of 1 h, 24 h and 7 days, `high` and `low` of 24 h. `spark` are past prices, evenly spaced, oldest first,
    None where nothing is known of a slot; only their ratio counts. The first `filled` of them are one source's word.
    """

    coin: str
    name: str
    symbol: str
    price: Decimal | None
    change: Decimal | None
    freshness: Freshness
    agreement: Agreement
    used: int = 0
    total: int = 0
    as_of: datetime | None = None
    live_until: datetime | None = None
    delayed_until: datetime | None = None
    gone_at: datetime | None = None
    volume: Decimal | None = None
    cap: Decimal | None = None
    icon: str | None = None
    link: str | None = None
    changes: tuple[Decimal | None, Decimal | None, Decimal | None] = (None, None, None)
    high: Decimal | None = None
    low: Decimal | None = None
    spark: tuple[Decimal | None, ...] = ()
    chart: Chart | None = None
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """A line a source requires near its prices: visible, linked text."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Board:
    """All rows of one picture in display order, in one currency, with the credits and the notes under it.

    `as_of` is the oldest provider time among the rows that have a price: nothing on the board is older, but for the
    rate of its currency, if that is not the dollar: `rate` US dollars for one unit, as of `rate_as_of`. A table may be
    one of several `pages`.
    """

    rows: tuple[Row, ...]
    currency: str = "usd"
    as_of: datetime | None = None
    credits: tuple[Credit, ...] = ()
    simulated: bool = False
    disclaimer: str = ""
    rate: Decimal | None = None
    rate_as_of: datetime | None = None
    page: int = 1
    pages: int = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How the reader wants it: the parameters of the widget URLs, already checked.

    `show` are the columns in their order, of: logo name price symbol change cap volume spark (others have no data here
    and are left out). `up` is the colour of a rise: green with red falls, red with green falls as in East Asia, or
    blue with orange falls. `theme` is the colour scheme, `look` the shape around it. `stylesheet` is the address of the
    external style for `css="link"`; `origin` what own paths such as icons are put behind
    ("https://prices.example/ticker"). `script` is the path of `/embed.js` on our own server, for pages that keep
    themselves true; `discovery` the address that describes such a page to who wants to embed it (oEmbed); both may be
    empty. `zeros="count"` writes a tiny price as "$0.0₅644".

    `sort` is the column that rows are sorted by, with "-" before it where the largest is first; "" is the given order.
    `query` are the parameters of this picture but for `sort`, `page` and `range`: links to others of its kind, such as
    the next page, are made of it, behind `address`, where a page of this kind is.
    """

    locale: str = "en"
    theme: Theme = "auto"
    change: Period = "24h"
    show: tuple[str, ...] = ("logo", "name", "price", "symbol", "change")
    title: str = "Latest Market Prices"
    css: Css = "inline"
    stylesheet: str = "/embed.css"
    discovery: str = ""
    up: Up = "green"
    zeros: Zeros = "all"
    origin: str = ""
    script: str = ""
    look: Look = "card"
    density: Density = "normal"
    sort: str = ""
    range: Range = "24h"
    address: str = ""
    query: tuple[tuple[str, str], ...] = ()

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


@dataclass(frozen=True, slots=True)
class Row:
    """One coin as a reader sees it. `change` is in percent over `Options.change`; `used` of `total` sources agree.

    `icon` is a path on our own server ("/icons/nano.svg"), `link` a web address; anything else is left out.
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


@dataclass(frozen=True, slots=True)
class Credit:
    """A line a source requires near its prices: visible, linked text."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Board:
    """All rows of one picture in display order, in one currency, with the credits and the notes under it.

    `as_of` is the oldest provider time among the rows that have a price: nothing on the board is older, but for the
    rate of its currency, if that is not the dollar: `rate` US dollars for one unit, as of `rate_as_of`.
    """

    rows: tuple[Row, ...]
    currency: str = "usd"
    as_of: datetime | None = None
    credits: tuple[Credit, ...] = ()
    simulated: bool = False
    disclaimer: str = ""
    rate: Decimal | None = None
    rate_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How the reader wants it: the parameters of the widget URLs, already checked.

    `show` are the columns in their order, of: logo name price symbol change cap volume (others have no data here yet
    and are left out). `up` is the colour of a rise: green with red falls, red with green falls as in East Asia, or
    blue with orange falls. `stylesheet` is the address of the external style for `css="link"`; `origin` what own
    paths such as icons are put behind ("https://prices.example/ticker"). `zeros="count"` writes a tiny price as
    "$0.0₅644".
    """

    locale: str = "en"
    theme: Theme = "auto"
    change: Period = "24h"
    show: tuple[str, ...] = ("logo", "name", "price", "symbol", "change")
    title: str = "Latest Market Prices"
    css: Css = "inline"
    stylesheet: str = "/embed.css"
    up: Up = "green"
    zeros: Zeros = "all"
    origin: str = ""

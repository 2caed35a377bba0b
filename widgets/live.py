"""The texts of one row for a script that patches a drawn widget: the very ones the templates print. Pure.

So a script on the page never formats a number and knows no language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from widgets.board import Period, Row
from widgets.format import NONE, Change, change, price, short_price
from widgets.view import as_of_note, row_notes, row_sources


@dataclass(frozen=True, slots=True)
class Texts:
    """What a row says at its rung of the ladder. `price` is "—" where there is none, a change None where it is unknown.

    `short` is a tiny price with its zeros counted, for eyes, where that is wanted; None where there is none to count.
    `notes` are the quiet words beside it, weightiest first; `why` the sentences behind them; `sources` how many agree.
    """

    price: str
    short: str | None
    changes: Mapping[Period, Change | None]
    notes: tuple[str, ...]
    why: str
    sources: str | None
    as_of: str | None


def texts(row: Row, changes: Mapping[Period, Decimal | None], currency: str, locale: str) -> Texts:
    """The texts of a row, with its changes over every period instead of the one of a board."""
    text = price(row.price, currency, locale) if row.freshness != "none" else NONE
    gone = text == NONE
    if gone:
        row = replace(row, price=None, change=None, freshness="none")
    notes, why = row_notes(row, locale)
    told = as_of_note(row.as_of, locale)
    return Texts(
        price=text,
        short=short_price(row.price, currency, locale),
        changes={period: None if gone else change(value, locale) for period, value in changes.items()},
        notes=tuple(note.text for note in notes),
        why=why,
        sources=row_sources(row, locale),
        as_of=None if told is None else told.text,
    )

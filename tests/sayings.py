"""Hand-written answers of sources for the tests of identity: a source here is a fake one with rows."""

import re
from decimal import Decimal

from fakes import fake_source

from ticker.config import CoinSettings
from ticker.errors import SourceError
from ticker.identity import Answer, Finding, findings, said
from ticker.sources import Row, Source

VENUE = re.compile(r"(?P<base>[A-Z0-9]+)/(USD|USDT|USDC)")


def venue(name: str) -> Source:
    """An exchange whose markets are named BASE/QUOTE."""
    return fake_source(name, id_pattern=VENUE)


def aggregator(name: str, *, batch: int | None = None) -> Source:
    """An aggregator, asked for all, or by ids."""
    return fake_source(name, kind="aggregator", batch=batch)


def row(id_: str, price: str | None, currency: str = "usd", name: str | None = None, symbol: str | None = None) -> Row:
    """A row with a price."""
    return Row(id_, None if price is None else Decimal(price), currency, name=name, symbol=symbol)


def answer(source: Source, *rows: Row, listed: tuple[Row, ...] = ()) -> Answer:
    """An answer with these rows, and others beside them."""
    return Answer(source, {one.id: one for one in rows}, (*rows, *listed) if source.batch is None else ())


def coin(id_: str, name: str, symbol: str, **ids: str | tuple[str, ...]) -> CoinSettings:
    """A coin and its ids."""
    known = {source: (one,) if isinstance(one, str) else one for source, one in ids.items()}
    return CoinSettings(id=id_, name=name, symbol=symbol, ids=known)


TETHER = coin("tether", "Tether", "USDT", kraken="USDT/USD")
TETHERS = (row("USDT/USD", "0.9990"),)


def found(
    coins: list[CoinSettings], answers: list[Answer], failed: tuple[SourceError, ...] = (), tolerance: str = "0.01"
) -> list[Finding]:
    """All findings of these coins, with a tether that prices others."""
    by_name = {one.source.name: one for one in answers}
    every = [*coins, TETHER] if TETHER not in coins else coins
    tolerances = {one.id: Decimal(tolerance) for one in every}
    errors = {error.source: error for error in failed}
    problems = findings(by_name, errors, said(by_name, every), every, tolerances)
    return [one for one in problems if one.coin is None or one.coin in {coin.id for coin in coins}]


def brief(problems: list[Finding]) -> list[tuple[str, str, str | None, str | None]]:
    """Findings without their sentences."""
    return [(one.level, one.kind, one.coin, one.source) for one in problems]

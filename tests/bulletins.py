"""How polling may stand, for tests that show it: sources up, down, held off and streaming; coins excluded."""

from decimal import Decimal

from snapshots import NOW, price

from ticker.bulletin import (
    Alert,
    Bulletin,
    ConfigStanding,
    Excluded,
    Feeding,
    Room,
    Rounds,
    SourceStanding,
    Trouble,
)
from ticker.model import Price


def source(name: str, **more: object) -> SourceStanding:
    """A venue that answers, unless told otherwise."""
    given: dict[str, object] = {
        "title": name.title(),
        "kind": "venue",
        "group": name,
        "prices": "coins",
        "every": 60.0,
        "condition": "up",
        "since": NOW - 7200,
        "answered_at": NOW - 12,
        "latency": 0.183,
        "outcomes": {"answered": 120, "timeout": 2},
        "quota": f"{name}/public",
        "budget": (Room(30.0, 60.0, 28.0),),
        "next_turn": NOW + 48,
        **more,
    }
    return SourceStanding(name, **given)  # type: ignore[arg-type]


def down(name: str, since: float = NOW - 4 * 3600, **more: object) -> SourceStanding:
    """One that does not answer."""
    given: dict[str, object] = {
        "condition": "down",
        "since": since,
        "answered_at": since - 60,
        "failures": 9,
        "error": Trouble("timeout", "No whole answer within the deadline"),
        "breaker": "open",
        "breaker_until": NOW + 600,
        "held": "breaker",
        **more,
    }
    return source(name, **given)


def resting() -> Bulletin:
    """One whose feeds rest, since nobody asks for prices; that of OKX had not been well before."""
    well = Feeding(False, NOW - 900, None, 1, 18_211, resting=True)
    ill = Feeding(False, None, "refused", 9, 0, resting=True)
    return bulletin(
        sources=(source("kraken", title="Kraken", stream=well), source("okx", title="OKX", stream=ill)),
    )


def bulletin(at: float = NOW - 1, **more: object) -> Bulletin:
    """A poller that leads, with four sources; one has been down for four hours, which was told."""
    given: dict[str, object] = {
        "instance": "prices-1:4711",
        "ticker": "0.1.0",
        "started_at": NOW - 86_400,
        "snapshot": "7-1",
        "config": ConfigStanding("c0ffee", NOW - 86_400),
        "sources": (
            source("kraken", title="Kraken", stream=Feeding(True, NOW - 0.4, None, 1, 18_211)),
            source(
                "coingecko",
                title="CoinGecko",
                kind="aggregator",
                every=300.0,
                budget=(Room(15.0, 60.0, 14.0), Room(9000.0, 2_592_000.0, 610.0), Room(300.0, 86_400.0, 41.0)),
                excluded=(Excluded("bitcoin", "outlier"), Excluded("ethereum", "outlier")),
                excluded_count=2,
            ),
            down("okx", title="OKX", stream=Feeding(False, NOW - 14_400, "timeout", 33, 90_111)),
            source(
                "ecb", title="European Central Bank", kind="aggregator", prices="currencies", budget=(), every=14_400.0
            ),
        ),
        "off": {"coinmarketcap": "needs a key"},
        "clock_offset": 0.1,
        "rounds": Rounds(86_000, 120.4, 0.0013, NOW - 3),
        "alerts": (Alert("source_down", "okx", NOW - 4 * 3600, NOW - 3600),),
        **more,
    }
    return Bulletin(at, **given)  # type: ignore[arg-type]


def single(coin: str, name: str = "kraken") -> Price:
    """A price that one of two sources tells."""
    return price(coin, "0.01", agreement="single", used=1, total=2, confidence=None, sources=(name,))


def agreed(coin: str) -> Price:
    """A price that several agree on."""
    return price(coin, "1", confidence=Decimal("0.0004"))

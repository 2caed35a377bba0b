from decimal import Decimal

import pytest

from ticker.simulate.faults import Fault, FaultError, parse, parse_assignment
from ticker.simulate.market import Market

SOURCES = ("kraken", "okx")

GOOD = [
    ("status:503", Fault("status", Decimal(503))),
    ("status:429;retry_after=30", Fault("status", Decimal(429), retry_after=30.0)),
    ("status:429; retry_after=30s; for=2m", Fault("status", Decimal(429), lasts=120.0, retry_after=30.0)),
    ("delay:5s", Fault("delay", Decimal(5))),
    ("delay:250ms", Fault("delay", Decimal("0.250"))),
    ("truncate", Fault("truncate")),
    ("garbage", Fault("garbage")),
    ("html", Fault("html")),
    ("frozen", Fault("frozen")),
    ("frozen;coin=bitcoin;for=1h", Fault("frozen", coin="bitcoin", lasts=3600.0)),
    ("scale:10", Fault("scale", Decimal(10))),
    ("scale:0.1;coin=ark", Fault("scale", Decimal("0.1"), coin="ark")),
    ("price:bitcoin=1", Fault("price", Decimal(1), coin="bitcoin")),
    ("zero", Fault("zero")),
    ("negative;coin=monero", Fault("negative", coin="monero")),
    ("nan", Fault("nan")),
    ("drip", Fault("drip", Decimal(1))),
    ("drip:100ms", Fault("drip", Decimal("0.100"))),
    ("reset", Fault("reset")),
    ("empty", Fault("empty")),
    ("bomb;for=90s", Fault("bomb", lasts=90.0)),
    ("silence;for=2m", Fault("silence", lasts=120.0)),
    ("drop", Fault("drop")),
    ("slow:5s", Fault("slow", Decimal(5))),
    ("garbage;on=stream", Fault("garbage", on="stream")),
    ("status:503;retry_after=30;on=polls", Fault("status", Decimal(503), retry_after=30.0, on="polls")),
]

BAD = [
    ("", "unknown fault ''"),
    ("slwo", "unknown fault 'slwo'; known are status, delay,"),
    ("slow", "slow needs a time, as in slow:5s"),
    ("silence:3s", "silence takes no value"),
    ("garbage;on=both", "on= is polls or stream, not 'both'"),
    ("drop;on=stream", "drop is a fault of streams anyway"),
    ("status", "status needs a status, as in status:503"),
    ("status:200", "not a status from 300 to 599: '200'"),
    ("status:5xx", "not a status from 300 to 599: '5xx'"),
    ("status:503;retry_after=soon", "not a time above zero such as 5s, 200ms or 2m: 'soon'"),
    ("delay", "delay needs a time, as in delay:5s"),
    ("delay:0s", "not a time above zero"),
    ("delay:-5s", "not a time above zero"),
    ("delay:5 s", "not a time above zero"),
    ("truncate:3", "truncate takes no value"),
    ("scale", "scale needs a number, as in scale:10"),
    ("scale:ten", "not a number from 1e-12 to 1e12: 'ten'"),
    ("scale:0", "not a number from 1e-12 to 1e12: '0'"),
    ("scale:NaN", "not a number from 1e-12 to 1e12: 'NaN'"),
    ("price:1", "price needs COIN=PRICE, as in price:bitcoin=1"),
    ("price:Bitcoin=1", "price needs COIN=PRICE"),
    ("price:bitcoin=", "not a number from 1e-12 to 1e12: ''"),
    ("zero;coin=BTC", "not a coin id: 'BTC'"),
    ("html;coin=bitcoin", "coin= goes with frozen, nan, negative, scale, zero only"),
    ("price:bitcoin=1;coin=ark", "coin= goes with"),
    ("zero;retry_after=3", "retry_after= goes with status only"),
    ("zero;until=noon", "unknown option 'until'; known are coin, for, on, retry_after"),
    ("zero;", "unknown option ''"),
]


@pytest.mark.parametrize(("text", "fault"), GOOD)
def test_a_fault_is_read_and_written(text: str, fault: Fault) -> None:
    """Every documented form is understood, and what it prints is understood as the same fault."""
    assert parse(text) == fault
    assert parse(str(fault)) == fault


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_a_wrong_fault_says_what_is_wrong(text: str, sentence: str) -> None:
    """What is no fault is refused, with the text itself and the reason."""
    with pytest.raises(FaultError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"{text!r}: ")
    assert sentence in str(caught.value)


def test_an_assignment_names_a_source_or_all() -> None:
    """SOURCE=FAULT is for one source, *=FAULT for all, and the fault itself may hold an equals sign."""
    assert parse_assignment("kraken=price:bitcoin=1", SOURCES) == {"kraken": Fault("price", Decimal(1), "bitcoin")}
    assert parse_assignment("*=empty", SOURCES) == {"kraken": Fault("empty"), "okx": Fault("empty")}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kraken", "'kraken': expected SOURCE=FAULT, as in kraken=status:503"),
        ("krakn=zero", "'krakn=zero': unknown source 'krakn'; known are kraken, okx, or * for all"),
        ("kraken=", "'': unknown fault ''"),
    ],
)
def test_a_wrong_assignment_says_what_is_wrong(text: str, sentence: str) -> None:
    """A missing equals sign, an unknown source and a missing fault are told apart."""
    with pytest.raises(FaultError) as caught:
        parse_assignment(text, SOURCES)
    assert str(caught.value).startswith(sentence)


def test_a_price_fault_bends_its_coin_only() -> None:
    """A fault of one coin leaves all others as they are; a fault of an answer leaves all prices as they are."""
    market = Market()
    bitcoin, ark = (market.tick(coin, coin, 1.79e9, currency="usd", source="kraken") for coin in ("bitcoin", "ark"))
    assert parse("price:bitcoin=1").bend(bitcoin).price == 1
    assert parse("price:bitcoin=1").bend(ark) is ark
    assert parse("zero;coin=ark").bend(bitcoin) is bitcoin
    assert parse("zero").bend(ark).price == 0
    assert parse("negative").bend(ark).price == -ark.price
    assert parse("nan").bend(ark).price.is_nan()
    for harmless in ("html", "frozen", "delay:1s"):
        assert parse(harmless).bend(ark) is ark


def test_a_wrong_scale_is_wrong_throughout() -> None:
    """Price, bid, ask, open, high and low all move, so that the answer agrees with itself; the volume does not."""
    true = Market().tick("X", "ark", 1.79e9, currency="usd", source="kraken")
    wrong = parse("scale:10").bend(true)
    assert (wrong.price, wrong.bid, wrong.ask) == (true.price * 10, true.bid * 10, true.ask * 10)
    assert (wrong.day.open, wrong.day.high, wrong.day.low) == (
        true.day.open * 10,
        true.day.high * 10,
        true.day.low * 10,
    )
    assert (wrong.today.open, wrong.open_utc8) == (true.today.open * 10, true.open_utc8 * 10)
    assert wrong.day.volume == true.day.volume
    assert wrong.change_24h == true.change_24h


def test_a_fault_is_at_its_door() -> None:
    """Both the polls and the stream of a source have its fault, unless it names one, or is of streams alone."""
    for text, polls, stream in [
        ("garbage", True, True),
        ("zero;on=polls", True, False),
        ("status:503;on=stream", False, True),
        ("silence", False, True),
        ("slow:1s", False, True),
    ]:
        assert (parse(text).at("polls"), parse(text).at("stream")) == (polls, stream), text

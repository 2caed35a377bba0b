"""What is pointed out of answers that do not fit: the traps, and what is none."""

from decimal import Decimal

import pytest
from sayings import TETHER, TETHERS, aggregator, answer, brief, coin, found, row, venue

from ticker.errors import TimedOut
from ticker.identity import rates, read, said
from ticker.sources import REGISTRY

KRAKEN, OKX, HTX = venue("kraken"), venue("okx"), venue("htx")
GECKO, PAPRIKA = aggregator("coingecko", batch=250), aggregator("coinpaprika")

BTG = coin("bitcoin-gold", "Bitcoin Gold", "BTG", coingecko="bitcoin-gold", kraken="BTG/USD", okx="BTG/USDT")


def test_all_is_well() -> None:
    """Three groups that agree in name, symbol and price: nothing to say."""
    answers = [
        answer(GECKO, row("bitcoin-gold", "459", name="Bitcoin Gold", symbol="btg")),
        answer(KRAKEN, row("BTG/USD", "459.1"), *TETHERS),
        answer(OKX, row("BTG/USDT", "459.2", "tether")),
    ]
    assert found([BTG], answers) == []


def test_the_same_symbol_of_another_coin() -> None:
    """Bitgem trades as BTG at $7.05 where Bitcoin Gold costs $459: the market that is another coin is an error."""
    answers = [
        answer(GECKO, row("bitcoin-gold", "459", name="Bitcoin Gold", symbol="btg")),
        answer(KRAKEN, row("BTG/USD", "7.05"), *TETHERS),
        answer(OKX, row("BTG/USDT", "459.2", "tether")),
    ]
    problems = found([BTG], answers)
    assert ("error", "price", "bitcoin-gold", "kraken") in brief(problems)
    (text,) = [one.text for one in problems if one.source == "kraken"]
    assert (
        text
        == "BTG/USD costs $7.05 there, $458.7408 elsewhere: another coin of that symbol, or not its price any more?"
    )


def test_an_aggregator_s_id_of_another_coin() -> None:
    """An id whose name is another coin's is an error though its symbol is right; its price says so, too."""
    wrong = coin("bitcoin-gold", "Bitcoin Gold", "BTG", coingecko="bitgem", kraken="BTG/USD")
    answers = [answer(GECKO, row("bitgem", "7.05", name="Bitgem", symbol="btg")), answer(KRAKEN, row("BTG/USD", "459"))]
    problems = brief(found([wrong], answers))
    assert ("error", "identity", "bitcoin-gold", "coingecko") in problems
    assert ("error", "price", "bitcoin-gold", "coingecko") in problems
    assert brief(found([wrong], answers[:1]))[0] == ("error", "identity", "bitcoin-gold", "coingecko")


def test_luna_is_not_lunc() -> None:
    """The old coin is LUNC now and LUNA a new one; a market left at LUNA is the new coin's, and its price tells."""
    lunc = coin("terra-luna", "Terra Luna Classic", "LUNC", coingecko="terra-luna", kraken="LUNA/USD", okx="LUNC/USDT")
    answers = [
        answer(GECKO, row("terra-luna", "0.0001", name="Terra Luna Classic", symbol="lunc")),
        answer(KRAKEN, row("LUNA/USD", "0.71"), *TETHERS),
        answer(OKX, row("LUNC/USDT", "0.0001001", "tether")),
    ]
    problems = brief(found([lunc], answers))
    assert ("error", "price", "terra-luna", "kraken") in problems
    assert ("error", "identity", "terra-luna", "kraken") in problems


def test_a_known_rename_is_a_note() -> None:
    """NANO and XNO are one coin: told, and no fault."""
    nano = coin("nano", "Nano", "NANO", coingecko="nano", kraken="NANO/USD", okx="XNO/USDT")
    answers = [
        answer(GECKO, row("nano", "0.82", name="Nano", symbol="xno")),
        answer(KRAKEN, row("NANO/USD", "0.82"), *TETHERS),
        answer(OKX, row("XNO/USDT", "0.821", "tether")),
    ]
    problems = found([nano], answers)
    assert brief(problems) == [("note", "renamed", "nano", "coingecko"), ("note", "renamed", "nano", "okx")]
    assert problems[1].text == "XNO/USDT is (XNO) there, Nano (NANO) in coins.toml: one coin, two symbols"


def test_xno_of_another_coin() -> None:
    """Xeno shares the symbol XNO: under its id the name gives it away even where no other source can."""
    wrong = coin("nano", "Nano", "NANO", coingecko="xeno-token")
    (identity, _) = found([wrong], [answer(GECKO, row("xeno-token", "0.002", name="Xeno", symbol="xno"))])
    assert (identity.level, identity.kind) == ("error", "identity")
    assert identity.text == "xeno-token is Xeno (xno) there, Nano (NANO) in coins.toml: another coin?"


def test_a_delisting() -> None:
    """A market that is gone is an error on a venue, with what that venue has of the same symbol or name."""
    waves = coin("waves", "Waves", "WAVES", kraken="WAVES/USD", okx="WAVES/USDT", coinpaprika="waves-waves")
    answers = [
        answer(KRAKEN, *TETHERS, listed=(row("WAVES/USDC", "1.5", "usd-coin"), row("WAVE/USD", "2"))),
        answer(OKX, row("WAVES/USDT", "0", "tether")),
        answer(PAPRIKA, listed=(row("waves-w", "1.5", name="Waves", symbol="WVS"), row("x", None, symbol="WAVES"))),
    ]
    problems = {one.source: one for one in found([waves], answers) if one.source}
    assert problems["kraken"].text == "has no WAVES/USD (delisted, renamed?); it has WAVES/USDC at 1.5 usd-coin"
    assert problems["okx"].text == "WAVES/USDT has a price of 0 (delisted?)"
    assert problems["coinpaprika"].text == "has no waves-waves (delisted, renamed?); it has waves-w at 1.5 usd"
    assert {name: (one.level, one.kind) for name, one in problems.items()} == {
        "kraken": ("error", "absent"),
        "okx": ("error", "no_price"),
        "coinpaprika": ("warning", "absent"),
    }


def test_an_id_that_an_aggregator_was_asked_for() -> None:
    """Asked by id, an aggregator that leaves it out does not know it, whatever its rank: an error."""
    problems = found([coin("ark", "ARK", "ARK", coingecko="arkk")], [answer(GECKO)])
    assert brief(problems) == [("error", "absent", "ark", "coingecko"), ("error", "groups", "ark", None)]


def test_the_first_of_several_ids() -> None:
    """Of a list of ids one is enough, and the one with a price speaks."""
    nano = coin("nano", "Nano", "XNO", okx=("XNO/USDT", "NANO/USDT"), kraken="NANO/USD", htx="XNO/USD")
    answers = [
        answer(OKX, row("XNO/USDT", "0", "tether"), row("NANO/USDT", "0.82", "tether")),
        answer(KRAKEN, row("NANO/USD", "0.82"), *TETHERS),
        answer(HTX, row("XNO/USD", "0.82")),
    ]
    assert [one.level for one in found([nano], answers)] == ["note", "note"]
    (first, *_) = said({one.source.name: one for one in answers}, [nano, TETHER])["nano"]
    assert (first.id, first.dollars) == ("NANO/USDT", Decimal("0.81918"))


def test_few_sources() -> None:
    """Below three groups nothing outvotes a wrong one; without any the page shows a dash."""
    two = coin("ark", "ARK", "ARK", kraken="ARK/USD", okx="ARK/USD")
    answers = [answer(KRAKEN, row("ARK/USD", "1")), answer(OKX, row("ARK/USD", "1"))]
    none = coin("openvoicecoin", "OpenVoiceCoin", "OPENVC")
    lost = coin("lost", "Lost", "LOST", htx="LOST/USD")
    problems = found([two, none, lost], answers)
    assert brief(problems) == [
        ("warning", "groups", "ark", None),
        ("note", "groups", "openvoicecoin", None),
        ("warning", "groups", "lost", None),
    ]
    assert problems[0].text == "2 independent sources price it; 3 are needed to outvote a wrong one"


@pytest.mark.parametrize(
    ("price", "levels"), [("1.005", []), ("1.02", ["warning"]), ("1.2", ["error"]), ("0.5", ["error"])]
)
def test_how_far_is_too_far(price: str, levels: list[str]) -> None:
    """Within the tolerance is well, beyond it a warning, beyond ten percent an error."""
    ark = coin("ark", "ARK", "ARK", kraken="ARK/USD", okx="ARK/USD", htx="ARK/USD")
    answers = [answer(one, row("ARK/USD", "1")) for one in (KRAKEN, OKX)] + [answer(HTX, row("ARK/USD", price))]
    assert [one.level for one in found([ark], answers)] == levels


def test_an_even_split_names_all() -> None:
    """Two against two: nobody knows which, so all four are to be looked at."""
    sources = [venue(name) for name in "abcd"]
    ark = coin("ark", "ARK", "ARK", a="ARK/USD", b="ARK/USD", c="ARK/USD", d="ARK/USD")
    answers = [answer(one, row("ARK/USD", price)) for one, price in zip(sources, ("1", "1", "9", "9"), strict=True)]
    assert [one.source for one in found([ark], answers) if one.level == "error"] == ["a", "b", "c", "d"]


def test_our_own_list_is_wrong() -> None:
    """All sources agree on one other name and symbol: the ids are of one coin, and our words are another's."""
    wrong = coin(
        "bitcoin-gold", "Bitcoin Gold", "BTG", coingecko="bitcoin", coinpaprika="btc-bitcoin", kraken="BTC/USD"
    )
    answers = [
        answer(GECKO, row("bitcoin", "65000", name="Bitcoin", symbol="btc")),
        answer(PAPRIKA, row("btc-bitcoin", "65000", name="Bitcoin", symbol="BTC")),
        answer(KRAKEN, row("BTC/USD", "65000")),
    ]
    (problem,) = found([wrong], answers)
    assert (problem.level, problem.source) == ("error", None)
    assert problem.text == "coins.toml calls it Bitcoin Gold (BTG); every source calls it Bitcoin (BTC)"
    renamed = coin("usd-coin", "USDC", "USDC", coingecko="usd-coin", coinpaprika="usdc")
    answers = [answer(GECKO, row("usd-coin", "1", name="USD Coin", symbol="usdc"))]
    answers += [answer(PAPRIKA, row("usdc", "1", name="USD Coin", symbol="USDC"))]
    assert brief(found([renamed], answers))[0] == ("warning", "identity", "usd-coin", None)


def test_other_words_for_the_same_price() -> None:
    """A name or symbol of its own is a note where the price agrees; both together are a warning."""
    ark = coin("ark", "ARK", "ARK", coingecko="ark", kraken="ARK/USD", okx="ARKK/USD")
    answers = [
        answer(GECKO, row("ark", "1", name="Ark Ecosystem", symbol="ark")),
        answer(KRAKEN, row("ARK/USD", "1")),
        answer(OKX, row("ARKK/USD", "1")),
    ]
    assert brief(found([ark], answers)) == [
        ("note", "identity", "ark", "coingecko"),
        ("note", "identity", "ark", "okx"),
    ]
    answers[0] = answer(GECKO, row("ark", "1", name="Solar", symbol="sxp"))
    assert brief(found([ark], answers))[0] == ("warning", "identity", "ark", "coingecko")
    answers[0] = answer(GECKO, row("ark", "1", name="Ark", symbol="arkx"))
    assert brief(found([ark], answers))[0] == ("note", "identity", "ark", "coingecko")
    assert brief(found([ark], [answers[0], answer(KRAKEN, row("ARK/USD", "9"))]))[2] == (
        "error",
        "identity",
        "ark",
        "coingecko",
    )


def test_no_rate() -> None:
    """A price in USDT says nothing of dollars where nobody prices USDT in them."""
    ark = coin("ark", "ARK", "ARK", okx="ARK/USDT")
    (problem, _) = found([ark], [answer(OKX, row("ARK/USDT", "1", "tether"))])
    assert (problem.level, problem.kind) == ("warning", "no_rate")
    assert problem.text == "ARK/USDT is priced in tether, which no source here prices in dollars"


def test_a_source_that_failed() -> None:
    """It is named with its error, and the coin is judged by the others."""
    answers = [answer(GECKO, row("bitcoin-gold", "459", name="Bitcoin Gold", symbol="btg"))]
    problems = found([BTG], answers, (TimedOut("kraken", "more than 8 s"),))
    assert brief(problems) == [("warning", "failed", None, "kraken"), ("warning", "groups", "bitcoin-gold", None)]


def test_a_fixed_price_asks_nobody() -> None:
    """What ops set themselves is compared with nothing."""
    from msgspec.structs import replace

    assert found([replace(coin("gold", "Gold", "G"), fixed=Decimal(1))], [answer(GECKO)]) == []


def test_foreign_words_are_harmless() -> None:
    """A name that would drive a terminal is shown without what drives it."""
    evil = coin("ark", "ARK", "ARK", coingecko="ark")
    problems = found([evil], [answer(GECKO, row("ark", "1", name="\x1b]0;x\x07\u202eArk", symbol="\x1b[2J"))])
    assert all(one.text.isprintable() for one in problems)


def test_rates() -> None:
    """A stablecoin counts by the median of those that quote it in dollars, never by one that quotes it in itself."""
    tether = coin("tether", "Tether", "USDT", kraken="USDT/USD", okx="USDT/USDC", coingecko="tether")
    rows = {
        "kraken": {"USDT/USD": row("USDT/USD", "0.99")},
        "okx": {"USDT/USDC": row("USDT/USDC", "5", "usd-coin")},
        "coingecko": {"tether": row("tether", "1.01")},
    }
    assert rates(rows, [tether]) == {"usd": 1, "tether": 1}
    assert rates({}, [tether]) == {"usd": 1}


def test_an_id_at_two_prices_has_none() -> None:
    """Two rows of one id that contradict each other are no price here either, as they are none for the poller."""
    body = b'[{"currency_pair": "A_USDT", "last": "1"}, {"currency_pair": "A_USDT", "last": "2"}]'
    (row_,) = read(REGISTRY["gateio"], [body], ["A_USDT"]).rows.values()
    assert (row_.id, row_.price) == ("A_USDT", None)


def test_reading_keeps_what_was_asked_apart_from_the_rest() -> None:
    """A row among the others that cannot be read ends the list of candidates, and harms nobody's price."""
    body = b'{"error": [], "result": {"A/USD": {"c": ["1", "1"], "v": ["1", "1"], "p": ["1", "1"], "h": ["1", "1"],'
    body += b' "l": ["1", "1"]}, "B/USD": {"c": []}}}'
    got = read(REGISTRY["kraken"], [body], ["A/USD"])
    assert list(got.rows) == ["A/USD"]
    assert {one.id for one in got.listed} <= {"A/USD"}

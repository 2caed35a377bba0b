"""CoinGecko's exchange rates: the documented answer, read by hand."""

from typing import Any

import pytest

from ticker.currencies import CURRENCIES, RATED, ids
from ticker.errors import Malformed, RateLimited
from ticker.sources import REGISTRY, Request

SOURCE = REGISTRY["coingeckorates"]
DOCUMENTED = "coingecko/exchange_rates_docs_example_2026.json"


def test_request() -> None:
    """One call has every currency; the plans, keys and credit are CoinGecko's."""
    assert SOURCE.requests(["EUR", "GBP"]) == [Request("/api/v3/exchange_rates")]
    assert [(plan.name, plan.key_header) for plan in SOURCE.plans] == [
        ("keyless", None),
        ("demo", "x-cg-demo-api-key"),
        ("pro", "x-cg-pro-api-key"),
    ]
    assert SOURCE.credit == REGISTRY["coingecko"].credit


def test_documented_answer(quoted: Any, recording: Any) -> None:
    """The 75817.765 dollars for a bitcoin, over what it is in each currency; no time."""
    found = quoted("coingeckorates", recording(DOCUMENTED), "EUR", "JPY", "XAU", "XAG", "XDR", "BMD", "KWD")
    assert {code: f"{quote.price:.10g}" for code, quote in found.items()} == {
        "EUR": "1.162432499",  # over 65223.37
        "JPY": "0.006276813689",  # over 12079021.102
        "XAU": "4501.440658",  # over 16.843
        "XAG": "76.18972323",  # over 995.118
        "XDR": "1.426820515",  # over 53137.563
        "BMD": "1",
        "KWD": "3.230882049",  # over 23466.584
    }
    assert {quote.at for quote in found.values()} == {None}


def test_it_has_all_our_currencies(quoted: Any, recording: Any) -> None:
    """Our list is its list, in its order, but for the bolívar that ended in 2018."""
    wanted = [one for many in ids().values() for one in many]
    assert {code.lower() for code in quoted("coingeckorates", recording(DOCUMENTED), *wanted)} == set(RATED)
    assert "VEF" not in wanted
    assert len(CURRENCIES) == 75


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("error_429_rate_limit", RateLimited),
        ("ping_docs_example", Malformed),
        ("simple_price_3coins_usd", Malformed),
        ("coins_markets_docs_example", Malformed),
    ],
)
def test_errors(file: str, error: type[Exception], quoted: Any, recording: Any) -> None:
    """The rate limit has its class even with HTTP 200; an answer to another question is malformed."""
    with pytest.raises(error, match=r"^coingeckorates: "):
        quoted("coingeckorates", recording(f"coingecko/{file}.json"), "EUR")


def test_no_dollar(quoted: Any) -> None:
    """Without the dollars for a bitcoin nothing can be counted."""
    with pytest.raises(Malformed):
        quoted("coingeckorates", b'{"rates": {"eur": {"value": 65223.37}}}', "EUR")
    assert quoted("coingeckorates", b'{"rates": {"usd": {}, "eur": {"value": 65223.37}}}', "EUR") == {}

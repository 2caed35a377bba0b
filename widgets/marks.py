"""Our own coin marks: a tinted disc with the coin's letters, drawn in the page, fetched from nowhere.

The tint follows from the coin id and never changes; well-known coins have hand-picked ones. Every tint keeps white
letters legible (3:1) and stands out from white and from near black (`tests/widgets/test_marks.py` measures it).
"""

import zlib
from functools import lru_cache

from markupsafe import Markup

KNOWN_TINTS = {
    "aave": "#8a6fae",
    "algorand": "#566277",
    "ark": "#d8312f",
    "avalanche-2": "#e84142",
    "binancecoin": "#b98a06",
    "bitcoin": "#e07a0c",
    "bitcoin-cash": "#2e9f62",
    "cardano": "#2a5bd7",
    "chainlink": "#375bd2",
    "cosmos": "#5b6178",
    "dai": "#c48610",
    "dash": "#1a80d4",
    "dogecoin": "#a98a1f",
    "ethereum": "#627eea",
    "ethereum-classic": "#33874f",
    "litecoin": "#5a7aa8",
    "monero": "#e2591b",
    "nano": "#209ce0",
    "neo": "#0c9f6e",
    "openvoicecoin": "#7a4fd0",
    "pepe": "#3f9142",
    "pirate-chain": "#a87f2a",
    "polkadot": "#d4106f",
    "ripple": "#53616f",
    "shiba-inu": "#e0472f",
    "solana": "#7d4fe0",
    "stellar": "#566579",
    "tether": "#1f9473",
    "tron": "#d9263a",
    "uniswap": "#e0348c",
    "usd-coin": "#2775ca",
    "waves": "#1b6fff",
    "zcash": "#b58412",
}
_TINTS = (
    "#2f6fde", "#7a55d6", "#b0479f", "#cf3f6b", "#cc4b32", "#b8741a",
    "#7d8420", "#3b8d4c", "#138a80", "#1b83b3", "#5560c9", "#687385",
)  # fmt: skip
_SIZES = {1: "15", 2: "12.5", 3: "10", 4: "8"}  # of the letters, on a disc 32 wide


def tint(coin: str) -> str:
    """The colour of a coin's mark, "#rrggbb"."""
    return KNOWN_TINTS.get(coin) or _TINTS[zlib.crc32(coin.encode()) % len(_TINTS)]


def letters(symbol: str, coin: str) -> str:
    """One to four letters that stand for the coin: its symbol where that fits, else its first letter."""
    known = "".join(filter(str.isalnum, symbol.upper())) or "".join(filter(str.isalnum, coin.upper())) or "?"
    return known if len(known) <= max(_SIZES) and known.isascii() else known[0]


def picture(coin: str, symbol: str) -> str:
    """The mark as a file of its own, for whoever shows it with an `<img>`."""
    drawn = str(mark(coin, symbol)).replace(' aria-hidden="true"', "", 1)
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1)


@lru_cache(maxsize=1024)
def mark(coin: str, symbol: str) -> Markup:
    """The mark as an inline SVG. Hidden from screen readers, for the name and the symbol stand beside it."""
    text = letters(symbol, coin)
    size = _SIZES[len(text)]
    return Markup(
        '<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true"><circle cx="16" cy="16" r="16" fill="{}"/>'
        '<text x="16" y="{:.4g}" fill="#fff" font-size="{}" font-weight="700" text-anchor="middle">{}</text></svg>'
    ).format(tint(coin), 16 + 0.355 * float(size), size, text)

"""How long a request line may be, path by path. Pure.

Ours are short; a client of the CoinGecko dialect may name 515 coins in one. Refused here and not by the parser alone,
which knows no paths and no form for a refusal.
"""

from ticker.server.params import RequestError

LINE = 2 * 1024  # bytes, from the method to the version
LONGER = {"/api/v3/": 16 * 1024}
READ = 2 * max(LONGER.values())  # what the parser takes; beyond it nobody is told kindly


def check(method: str, target: str) -> None:
    """Refuse a request line that is longer than its path allows. Raises `RequestError`."""
    longest = next((size for path, size in LONGER.items() if target.startswith(path)), LINE)
    if len(f"{method} {target} HTTP/1.1".encode(errors="surrogateescape")) > longest:
        raise RequestError("too_long", f"a request line of at most {longest} bytes, please")

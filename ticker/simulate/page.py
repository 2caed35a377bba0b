"""The stand-in's front page: what it stands in for, and the settings that point the service at it.

Knows no server: the caller hands over the addresses and the counts.
"""

from collections.abc import Mapping
from html import escape

from ticker.model import SourceName

_WITH_KEY = "coinmarketcap"

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated prices</title></head><body>
<h1>Simulated prices</h1>
<p>Nothing here is a real price. These are stand-ins for price sources, for trying and testing.</p>
<table><thead><tr><th>Source</th><th>Address</th><th>Coins</th><th>Calls</th><th>Fault</th></tr></thead><tbody>
{rows}
</tbody></table>
<h2>Point the service here</h2>
<pre>{settings}</pre>
<h2>Break something</h2>
<pre>curl -X PUT --data 'status:503;for=60s' {origin}/faults/kraken
curl -X DELETE {origin}/faults/kraken</pre>
</body></html>
"""


def settings(base_urls: Mapping[SourceName, str], stream_urls: Mapping[SourceName, str]) -> list[str]:
    """The environment lines that point the service at these addresses, which are local and not encrypted."""
    lines = []
    for source, url in base_urls.items():
        name = f"TICKER_SOURCES_{source.upper()}"
        lines += [f"{name}_BASE_URL={url}", f"{name}_ALLOW_PRIVATE=true"]
        if source in stream_urls:
            lines.append(f"{name}_STREAM_URL={stream_urls[source]}")
        if source == _WITH_KEY:
            lines.append(f"{name}_KEY=simulated")
    return lines


def index(
    origin: str,
    base_urls: Mapping[SourceName, str],
    stream_urls: Mapping[SourceName, str],
    coins: Mapping[SourceName, int],
    calls: Mapping[SourceName, int],
    faults: Mapping[SourceName, str],
) -> str:
    """The page as HTML: a row a source with its address, coins, calls and fault, then the settings."""
    rows = (
        f"<tr><td>{escape(source)}</td><td>{escape(url)}</td><td>{coins.get(source, 0)}</td>"
        f"<td>{calls.get(source, 0)}</td><td>{escape(faults.get(source, ''))}</td></tr>"
        for source, url in base_urls.items()
    )
    return _PAGE.format(
        rows="\n".join(rows),
        settings=escape("\n".join(settings(base_urls, stream_urls))),
        origin=escape(origin, quote=True),
    )

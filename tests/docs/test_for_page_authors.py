"""docs/for-page-authors.md: each snippet, taken out of the page, does what the page says. Only the address is ours."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.news import until
from browser.stage import Stage
from docs.followed import blocks
from playwright.sync_api import Error, Page, expect
from snapshots import NOW, price, snapshot

from ticker.model import Coin, Price, Snapshot

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "for-page-authors.md").read_text(encoding="utf-8")
BLOCKS = blocks(TEXT)
ONCE, LIVE = (block.text for block in BLOCKS if block.language == "html")
(PROGRAM,) = (block.text for block in BLOCKS if block.language == "python")
(CURL,) = (block.text for block in BLOCKS if block.language == "sh")
COINS = (Coin("bitcoin", "Bitcoin", "BTC"), Coin("monero", "Monero", "XMR"))
FASTER = "import time, runpy; z = time.sleep; time.sleep = lambda s: z(s / 50); runpy.run_path({!r})"

pytestmark = pytest.mark.browser


def told(bitcoin: Price, monero: Price, seq: int = 1) -> Snapshot:
    """A snapshot of the two coins that the page asks for."""
    return snapshot(seq, coins=COINS, shown=("bitcoin", "monero"), prices=(bitcoin, monero))


FIRST = told(price("bitcoin", "64250.12"), price("monero", None))
NEXT = told(price("bitcoin", "65000.5", agreement="degraded", used=2), price("monero", "412.10"), seq=2)


@pytest.fixture(autouse=True)
def first(stage: Stage) -> None:
    """Bitcoin has a price, Monero none."""
    stage.settle(FIRST)


def on_page(stage: Stage, tab: Page, snippet: str) -> None:
    """The snippet on a page of another origin."""
    html = snippet.replace("https://prices.example.org", stage.ours)
    stage.pages["/"] = (f'<!doctype html><meta charset="utf-8"><title>News</title>{html}', "")
    tab.goto(stage.host + "/")


def test_every_block_is_here() -> None:
    """One that comes to the page comes to a test."""
    assert [block.language for block in BLOCKS] == ["sh", "json", "html", "html", "python"]


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on the path")
def test_one_price(stage: Stage) -> None:
    """curl prints what the page shows: the same keys, in the same order."""
    line = CURL.replace("https://prices.example.org", stage.ours)
    done = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, check=True, timeout=20)
    answer, shown = json.loads(done.stdout), json.loads(next(one.text for one in BLOCKS if one.language == "json"))
    assert answer["prices"][0]["price"] == "64250.12"
    assert list(answer) == list(shown)
    for part in ("prices", "credits"):
        assert list(answer[part][0]) == list(shown[part][0])


def test_on_a_page(stage: Stage, tab: Page) -> None:
    """Price, freshness, agreement and credits; no price is a dash; read again, the page has the new ones."""
    on_page(stage, tab, ONCE)
    rows = tab.locator("#prices li")
    expect(rows).to_have_text(["Bitcoin 64250.12 USD (live, ok)", "Monero — (none, none)"])
    expect(tab.locator("#credits a")).to_have_attribute("href", "https://www.coingecko.com")
    stage.settle(NEXT)
    tab.reload()
    expect(rows).to_have_text(["Bitcoin 65000.5 USD (live, degraded)", "Monero 412.10 USD (live, ok)"])


def test_a_refusal_is_told(stage: Stage, tab: Page) -> None:
    """The dash stays, and the console has status and code."""
    said: list[str] = []
    tab.on("pageerror", lambda one: said.append(str(one)))
    on_page(stage, tab, ONCE.replace("monero", "no-such-coin"))
    until(lambda: said, lambda: tab.wait_for_timeout(20))
    assert "404 unknown_coin" in said[0]
    expect(tab.locator("#prices")).to_have_text("—")


def test_live(stage: Stage, tab: Page) -> None:
    """What changes is there at once; a broken stream comes back by itself; a coin that loses its price gets a dash."""
    on_page(stage, tab, LIVE)
    rows = tab.locator("#live li")
    expect(rows).to_have_text(["Bitcoin $64,250.12 (live, ok)", "Monero — (none, none)"])
    expect(tab.locator("#thanks a")).to_have_text("Data provided by CoinGecko")
    until(lambda: stage.viewers() == 1)
    stage.settle(told(price("bitcoin", "64250.12"), price("monero", "412.10"), seq=2))
    expect(rows).to_have_text(["Bitcoin $64,250.12 (live, ok)", "Monero $412.10 (live, ok)"])
    stage.cut()
    until(lambda: stage.viewers() == 1)
    stage.settle(told(price("bitcoin", None), price("monero", "412.10"), seq=3))
    expect(rows).to_have_text(["Bitcoin — (none, none)", "Monero $412.10 (live, ok)"])
    assert [path for path, _ in stage.asked if path.startswith("/v1/prices")] == [
        "/v1/prices?coins=bitcoin,monero&locale=en"
    ]


def test_live_prices_grow_old(stage: Stage, tab: Page) -> None:
    """Without a word of ours, by our clock, though the reader's is a day off and the copy has lain in a cache."""
    stage.faults.age = 60
    tab.clock.install(time=NOW - 86_400)
    on_page(stage, tab, LIVE)
    row = tab.locator("#live li").first
    expect(row).to_have_text("Bitcoin $64,250.12 (live, ok)")
    for seconds, rung in ((70, "delayed"), (180, "stale")):
        tab.clock.run_for(seconds * 1000)
        expect(row).to_have_text(f"Bitcoin $64,250.12 ({rung}, ok)")
        expect(row).to_have_class(rung)
    tab.clock.run_for(3_300_000)
    expect(row).to_have_text("Bitcoin — (none, ok)")


def test_live_without_room(stage: Stage, tab: Page) -> None:
    """A stream that is refused is asked for again with the prices, a minute later; so are we where we are away."""
    stage.faults.refused = ("/v1/",)
    tab.clock.install(time=NOW)
    on_page(stage, tab, LIVE)
    until(lambda: len(stage.asked) == 1)
    row = tab.locator("#live li").first
    expect(row).to_have_text("—")
    stage.faults.refused = ("/v1/stream",)
    until(lambda: "64,250.12" in row.inner_text(), lambda: tab.clock.run_for(10_000))
    stage.settle(NEXT)
    stage.faults.refused = ()
    until(lambda: "65,000.50" in row.inner_text(), lambda: tab.clock.run_for(10_000))
    until(lambda: stage.viewers() == 1)


def test_a_header_of_ones_own_is_refused(stage: Stage, tab: Page) -> None:
    """As the page warns: the browser asks first, and the script gets nothing. What scripts can read is as it says."""
    on_page(stage, tab, "")
    ask = "async ([url, headers]) => [...(await fetch(url, {headers})).headers.keys()]"
    url = f"{stage.ours}/v1/prices"
    with pytest.raises(Error, match="Failed to fetch"):
        tab.evaluate(ask, [url, {"If-None-Match": '"x"'}])
    readable = tab.evaluate(ask, [url, {}])
    assert {"date", "etag"} <= set(readable)
    assert "retry-after" not in readable


@pytest.fixture
def program(stage: Stage, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """The program of the page, running, fifty times as impatient; waits for a line of it."""
    (tmp_path / "program.py").write_text(PROGRAM.replace("https://prices.example.org", stage.ours), encoding="utf-8")
    command = [sys.executable, "-W", "error", "-c", FASTER.format(str(tmp_path / "program.py"))]
    out = tmp_path / "out"
    with out.open("wb") as file:
        running = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONIOENCODING": "utf-8"}
        )
    seen = 0

    def says(line: str) -> None:
        """Wait until it has said this after what was waited for before."""
        nonlocal seen
        end = time.monotonic() + 20
        while (found := out.read_text(encoding="utf-8").find(line, seen)) < 0:
            assert running.poll() is None, out.read_text(encoding="utf-8")
            assert time.monotonic() < end, f"it never said {line!r}:\n{out.read_text(encoding='utf-8')}"
            time.sleep(0.02)
        seen = found + len(line)

    yield says
    running.kill()
    running.wait(20)


def test_a_program(stage: Stage, program: Callable[[str], None]) -> None:
    """Prices as they are; a 304 while nothing is new, with the age of the copy; news; refusals are waited out."""
    program("Bitcoin 64250.12 USD live ok\nMonero — none none\n")
    tags = [tag for _, tag in stage.asked]
    assert tags[0] is None
    until(lambda: stage.asked[-1][1])
    stage.faults.age = 130
    program("Bitcoin 64250.12 USD delayed ok\n")
    stage.faults.age = None
    stage.settle(NEXT)
    program("Bitcoin 65000.5 USD live degraded\nMonero 412.10 USD live ok\n")
    stage.faults.refused = ("/v1/",)
    program("503 ")
    program("Bitcoin 65000.5 USD live degraded\n")
    stage.faults.refused = ()
    stage.settle(told(price("bitcoin", "66000"), price("monero", None), seq=3))
    program("Bitcoin 66000 USD live ok\nMonero — none none\n")

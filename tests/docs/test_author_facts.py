"""The statuses, codes and figures that docs/for-page-authors.md states are those of the code."""

import re

import pytest
from browser.stage import Stage
from docs.pages import TEXTS
from playwright.sync_api import Page

from ticker.config import load, shipped_folder
from ticker.server import headers, limits, params
from ticker.server.openapi import document
from ticker.server.stream import Limits

TEXT = TEXTS["docs/for-page-authors.md"]


def test_refusals_are_those_of_the_code() -> None:
    """Every code with its status, and every status of the doors that the page speaks of."""
    rows = re.findall(r"^\| (\d{3}) \| ([^|]+) \|", TEXT, re.MULTILINE)
    stated = {code: int(status) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert stated == {code: params.STATUS[code] for code in stated}  # type: ignore[index]
    paths = document("https://prices.example", dialect=False)["paths"]
    for door in ("prices", "prices/{coin}", "history/{coin}", "stream", "coins", "explain/{coin}"):
        refusals = {int(one) for one in paths[f"/v1/{door}"]["get"]["responses"]} - {200, 304}
        never = {400} if door in ("coins", "explain/{coin}") else set()
        assert refusals == {int(status) for status, _ in rows} - never


@pytest.mark.browser
def test_refusals_are_given(stage: Stage, tab: Page) -> None:
    """Those that can be brought about by asking, to a script of another origin."""
    ask = "async url => { const answer = await fetch(url); return [answer.status, (await answer.json()).error.code] }"
    stage.pages["/"] = ("<!doctype html><title>News</title>", "")
    tab.goto(stage.host + "/")
    for query, refusal in (
        ("?limit=0", [400, "bad_parameter"]),
        ("?coins=" + ",".join(f"c{n}" for n in range(251)), [400, "too_many"]),
        ("?coins=bitcoin,no-such-coin", [404, "unknown_coin"]),
        ("/no/such/door", [404, "not_found"]),
        ("?coins=" + "x" * limits.LINE, [414, "too_long"]),
    ):
        assert tab.evaluate(ask, f"{stage.ours}/v1/prices{query}") == refusal


def test_figures_are_those_of_the_code() -> None:
    """Caching and limits."""
    config = load(shipped_folder(), {})
    assert f"`Cache-Control: {headers.CACHE}`" in TEXT
    assert f"{config.server.costly_per_minute} a minute and address" in TEXT
    assert f"takes {config.server.max_viewers_per_address} viewers from one address" in TEXT
    assert Limits().per_address == config.server.max_viewers_per_address
    assert f"beyond {limits.LINE:,} bytes" in TEXT
    assert f"Up to {params.JSON_COINS} coins" in TEXT
    assert f"[{len(params.CURRENCIES)} there are](http.md#currencies)" in TEXT

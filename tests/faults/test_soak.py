"""Two minutes of faults on every wire (the exam has an hour), and whether its judge would notice a wrong answer."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from faults.conftest import Measured
from faults.judge import Judge
from faults.soak import Report, Soak
from redis_server import RedisServer

from ticker.simulate.market import Market

SECONDS = 120.0


@pytest.mark.redis
@pytest.mark.timeout(300)
async def test_two_minutes_of_everything(own_redis: RedisServer, tmp_path: Path, measured: Measured) -> None:
    """No answer fails, none is wrong, no handle is left open, and calm brings every price back."""
    report = await Soak(own_redis, tmp_path, SECONDS, seed=2026, patience=1.0).run()
    assert report.passed, str(report)
    assert report.answers > 5_000
    assert sum(report.faults.values()) > 30
    faults = sum(report.faults.values())
    told = f"{report.answers:,} answers, {len(report.failed)} failed, {len(report.wrong)} wrong, {faults} faults"
    measured("two minutes of faults on every wire, of lies, kills and stops", "0 failed, 0 wrong", told)


def ago(seconds: float) -> str:
    """A moment of lately, as the API writes it."""
    return datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()


def price(factor: str = "1", **other: Any) -> dict[str, Any]:
    """A right one, or one so many times as large."""
    at, later = ago(0), ago(-120)
    number = Market().price("bitcoin", datetime.fromisoformat(at).timestamp()) * Decimal(factor)
    usual = {"id": "bitcoin", "price": f"{number:f}", "agreement": "ok", "freshness": "live"}
    return {**usual, "as_of": at, "live_until": later, "delayed_until": later, "gone_at": later, **other}


def judged(*prices: dict[str, Any], seqs: tuple[int, ...] = (1,)) -> list[str]:
    """What is found wrong with an answer of these prices."""
    report = Report()
    judge = Judge(Market(), report)
    for seq in seqs:
        answer = json.dumps({"id": f"7-{seq}", "prices": prices})
        judge._json(("http://x.example", "/v1/prices"), json.loads(answer), in_dollars=True)
    return report.wrong


def test_the_judge_lets_what_is_right_pass() -> None:
    """A right price, one that nobody quotes, one that is honestly old."""
    assert judged(price(), price(price=None, as_of=None, agreement="none", freshness="none")) == []
    assert judged(price(freshness="stale", live_until=ago(60), delayed_until=ago(60))) == []


@pytest.mark.parametrize(
    "other",
    [
        {"factor": "1.006"},
        {"price": "0"},
        {"price": "-1"},
        {"as_of": None},
        {"live_until": ago(60)},
        {"freshness": "delayed", "delayed_until": ago(60)},
    ],
)
def test_the_judge_notices(other: dict[str, Any]) -> None:
    """A price that is off, or none, or looks fresher than it is."""
    assert len(judged(price(**other))) == 1


def test_the_judge_notices_a_step_back() -> None:
    """A snapshot older than one that was shown."""
    assert len(judged(price(), seqs=(2, 1))) == 1


@pytest.mark.parametrize(("factor", "wrong"), [("1", 0), ("1.006", 1)])
def test_the_judge_reads_widgets(factor: str, wrong: int) -> None:
    """Their rows are held to the same."""
    report = Report()
    found = price(factor)
    shown, at = Decimal(found["price"]), found["as_of"]
    Judge(Market(), report)._html(
        "/widget/list",
        f'<li class="mp-row" data-coin="bitcoin" data-freshness="live" data-agreement="ok" data-as-of="{at}">'
        f'<span class="mp-name">Bitcoin</span> <span class="mp-price" title="5 of 7 sources">${shown:,.2f}</span>',
    )
    assert len(report.wrong) == wrong

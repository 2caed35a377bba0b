"""What `deploy/` gives for Prometheus and Grafana: it speaks of metrics that there are, and promtool agrees with it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ticker.metrics.table import METRICS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
BOARD = json.loads((DEPLOY / "grafana" / "ticker.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds"}
LABELS = {one.name: {*one.labels, "instance"} for one in METRICS} | dict.fromkeys(
    (*PROCESS, "up"), frozenset(("instance", "job"))
)

_SELECTED = re.compile(r"\b((?:ticker|process)_\w+|up)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*[=!]")


def panels() -> Iterator[dict[str, Any]]:
    """Those that ask something."""
    return (one for one in BOARD["panels"] if one["type"] != "row")


def expressions() -> list[str]:
    """Everything that is asked, on the board and by alerts."""
    return [target["expr"] for one in panels() for target in one["targets"]] + [rule["expr"] for rule in RULES]


@pytest.fixture
def promtool() -> str:
    """The program, or a skip."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool, which is in Debian's package prometheus")
    return found


def run(program: str, *words: str) -> None:
    """It must agree."""
    done = subprocess.run(
        [program, *words], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("expression", expressions())
def test_what_is_asked_for_is_there(expression: str) -> None:
    """Every name is a metric of ours or of the process, and every label one of its own."""
    named = re.sub(r"label_values\(|\)$", "", expression)
    found = _SELECTED.findall(named)
    assert found
    for name, labels in found:
        assert name in LABELS, name
        assert set(_LABEL.findall(labels)) <= LABELS[name], (name, labels)
    of_groups = re.findall(r"(?:by|on) \(([^)]*)\)", expression)
    known = {label for name, _ in found for label in LABELS[name]}
    assert {one.strip() for group in of_groups for one in group.split(",")} <= known


def test_every_metric_of_ours_is_of_use() -> None:
    """Each is on the board or raises an alert, but for a few that explain others."""
    asked = {name for expression in expressions() for name, _ in _SELECTED.findall(expression)}
    assert {one.name for one in METRICS} - asked == UNSEEN


UNSEEN = {
    "ticker_streams", "ticker_variants", "ticker_breaker_open", "ticker_source_every_seconds",
    "ticker_config_loaded_timestamp_seconds",
}  # fmt: skip


def test_the_board_is_whole() -> None:
    """Panels have numbers and places of their own, and ask the source that the reader picks."""
    numbers = [one["id"] for one in BOARD["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for one in BOARD["panels"]:
        place = one["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, one["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert all(one["datasource"]["uid"] == "${source}" for one in panels())
    assert {one["name"] for one in BOARD["templating"]["list"]} == {"source", "instance"}


def test_every_alert_says_what_it_means() -> None:
    """How bad it is, what is seen, and what it means for readers."""
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "warn")
        assert set(rule["annotations"]) == {"summary", "meaning"}


def test_promtool_reads_all_of_it(promtool: str, tmp_path: Path) -> None:
    """The configuration, the rules, and every expression of the board as Grafana would send it."""
    run(promtool, "check", "config", "prometheus.yml")
    asked = [target["expr"] for one in panels() for target in one["targets"]]
    rules = [
        {"record": f"board:{number}", "expr": one.replace("$__rate_interval", "1m").replace("$instance", ".*")}
        for number, one in enumerate(asked)
    ]
    path = tmp_path / "board.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}), encoding="utf-8")
    run(promtool, "check", "rules", "--lint=none", str(path))


def test_alerts_are_raised_when_they_should_be(promtool: str) -> None:
    """Each by what it is for, and none by a service that is well."""
    run(promtool, "test", "rules", "alerts_test.yml")
    text = (DEPLOY / "prometheus" / "alerts_test.yml").read_text(encoding="utf-8")
    raised = set(re.findall(r"alertname: (\w+)\n +exp_alerts", text))
    assert raised == {rule["alert"] for rule in RULES}


def test_they_are_documented() -> None:
    """docs/ops.md has a row for each alert."""
    text = (DEPLOY.parent / "docs" / "ops.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(Ticker\w+)` \|", text, re.MULTILINE) == [rule["alert"] for rule in RULES]

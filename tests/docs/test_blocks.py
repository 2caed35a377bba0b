"""What the pages show as settings, bodies, units and server blocks is taken by the program that it is meant for."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from docs.followed import Block
from docs.pages import ROOT, TEXTS, inline, named, of

from ticker.alerts import Message
from ticker.config import SOURCE_KINDS, check, initialise, settings
from ticker.server.openapi import document
from ticker.sources import REGISTRY
from ticker.webhook import payload

FILE = re.compile(r"(?:^|[\s(])((?:deploy|requirements|integrations|tests|widgets|tools|ticker|docs|config)/[\w./@-]+)")
MADE = ("widgets/locale/XX/", "widgets/locale/ca", "deploy/compose/secrets/")  # by who follows the page


@pytest.mark.parametrize(("name", "block"), found := of("toml"), ids=named(found))
def test_settings_are_accepted(name: str, block: Block, tmp_path: Path) -> None:
    """By the loader, in the file it names or else ticker.toml, beside everything that ships."""
    initialise(tmp_path / "mine")
    (tmp_path / "mine" / Path(block.path or "ticker.toml").name).write_text(block.text, encoding="utf-8")
    assert check(tmp_path / "mine", {}) == []


def test_names_in_the_environment() -> None:
    """Every one that a page names is one that the loader reads; with _FILE, one of a secret."""
    secrets = {f"{one.section}_{one.name}": one.kind.secret for one in settings()}
    for source in (*REGISTRY, "NAME"):
        secrets |= {f"sources_{source}_{name}": kind.secret for name, kind in SOURCE_KINDS.items()}
        secrets[f"sources_{source}_key"] = True
    known = {f"TICKER_{name.upper()}" for name in secrets}
    known |= {f"TICKER_{name.upper()}_FILE" for name, secret in secrets.items() if secret}
    written = {name for text in TEXTS.values() for name in re.findall(r"\bTICKER_[A-Z0-9_]+\b", text)}
    assert written - known == {"TICKER_URL"}  # a constant of the plugin for WordPress


def test_files_that_are_named_are_there() -> None:
    """In sentences and in commands; what a page makes anew it makes itself."""
    code = [(name, one) for name in TEXTS for one in inline(name)] + [(name, block.text) for name, block in of("sh")]
    paths = {(name, path.rstrip(".")) for name, one in code for path in FILE.findall(one)}
    followed = "docs/adding-a-source.md"  # by a test of its own
    assert len(paths) > 30
    assert {
        (name, path)
        for name, path in paths
        if name != followed and not path.startswith(MADE) and not (ROOT / path).exists()
    } == set()


def schema(name: str) -> Any:
    """The validator of a body of the OpenAPI."""
    described = document("https://prices.example", dialect=True)
    whole = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


BODIES = [(name, block) for name, block in of("json", "docs/adding-a-source.md") if "…" not in block.text]


@pytest.mark.parametrize(("name", "block"), BODIES, ids=named(BODIES))
def test_bodies_are_described(name: str, block: Block) -> None:
    """Every key and no other, of the kind that the OpenAPI says; a message to the webhook as it is written."""
    text = block.text.strip()
    body = json.loads(text if text.startswith("{") else "{" + text + "}")
    if "state" in body:
        message = Message("source_down", "begins", ("okx",), 1795370400.0, 1795381200.0, "okx has been down")
        assert list(body) == list(json.loads(payload(message, "prices-1:4711")))
        return
    if "text" in body:
        kind, body = "Text", body["text"]
    else:
        kind = "History" if "points" in body else "Prices"
    schema(kind).validate(body)


def test_nginx_takes_what_is_shown(tmp_path: Path) -> None:
    """The servers of docs/deploy.md, with the line beside them. What docs/ops.md shows: tests/whole/test_publish.py."""
    ((_, block),) = of("nginx", "docs/ops.md")
    (line,) = (one for one in inline("docs/deploy.md") if one.startswith("proxy_next_upstream"))
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx here")
    server = f"server {{ listen 127.0.0.1:1; {line} location / {{ proxy_pass http://ticker; }} }}"
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {block.text} {server} }}", encoding="utf-8"
    )
    done = subprocess.run(
        [program, "-t", "-e", tmp_path / "error.log", "-c", config], capture_output=True, text=True, check=False
    )
    assert "syntax is ok" in done.stderr, done.stderr


def test_systemd_takes_what_is_shown(tmp_path: Path) -> None:
    """The drop-in of docs/deploy.md beside the unit: no line of it is unknown."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    ((_, block),) = of("ini")
    unit = (ROOT / "deploy/systemd/ticker.service").read_text(encoding="utf-8")
    (tmp_path / "ticker.service").write_text(unit.replace("/opt/ticker/bin/ticker", sys.executable), encoding="utf-8")
    (tmp_path / "ticker.service.d").mkdir()
    for text, complaints in ((block.text, False), (block.text.replace("LoadCredential", "LoadCredentials"), True)):
        (tmp_path / "ticker.service.d" / "keys.conf").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [program, "verify", "--man=no", tmp_path / "ticker.service"], capture_output=True, text=True, check=False
        )
        assert any("keys.conf" in line for line in done.stderr.splitlines()) is complaints, done.stderr


def test_a_language_more(tmp_path: Path) -> None:
    """The commands of docs/translating.md make a catalogue, check it, and bring all of them up to date."""
    if shutil.which("msginit") is None:
        pytest.skip("no gettext here")
    shutil.copytree(ROOT / "widgets" / "locale", tmp_path / "widgets" / "locale")
    for page, block in of("sh"):
        if page == "docs/translating.md":
            script = block.text.replace("make test", "")  # the suite itself
            done = subprocess.run(
                ["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50
            )
            assert done.returncode == 0, done.stderr
    assert "Language: ca" in (tmp_path / "widgets/locale/ca/LC_MESSAGES/ticker.po").read_text(encoding="utf-8")

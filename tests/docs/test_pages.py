"""What README and docs/ say to type is accepted, and what they link to is there."""

import re
import shlex

import pytest
from docs.followed import blocks
from docs.pages import ROOT, TEXTS
from typer.testing import CliRunner

from ticker.__main__ import app

INLINE = re.compile(r"(?<!`)`(ticker [^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
every_page = pytest.mark.parametrize("name", TEXTS)


def typed(name: str) -> list[str]:
    """Every command of ours on a page, in a block or in a sentence; what leaves something open is no command."""
    lines = [line for block in blocks(TEXTS[name]) if block.language == "sh" for line in block.text.splitlines()]
    commands = re.findall(r"(?:^|&& |[=\w]+ )(?:[\w.]+/)*(ticker [a-z-][^#&\n]*)", "\n".join(lines), re.MULTILINE)
    found = [*commands, *INLINE.findall(TEXTS[name])]
    return [one.strip() for one in found if not re.search(r"[\[\]|…]|\.\.\.", one)]


def refusal(command: str) -> str:
    """What our command line says against it, without running it; nothing where it is accepted."""
    done = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    return "" if done.exit_code == 0 else done.output


@every_page
def test_commands_are_accepted(name: str) -> None:
    """With their options, though they are not run."""
    refused = {command: said for command in typed(name) if (said := refusal(command))}
    assert not refused


def test_commands_are_found() -> None:
    """In blocks and in sentences; and one that is wrong would be seen."""
    assert sum(len(typed(name)) for name in TEXTS) > 30
    assert "ticker run --config mine" in typed("README.md")
    assert "No such option" in refusal("ticker run --no-such-option")
    assert "No such command" in refusal("ticker coins paint")


@every_page
def test_make_has_its_targets(name: str) -> None:
    """Every `make …` that is written."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = re.findall(r"`make ([a-z]+)[^`]*`", TEXTS[name])
    told += [
        target
        for block in blocks(TEXTS[name])
        if block.language == "sh"
        for target in re.findall(r"^make ([a-z]+)", block.text, re.MULTILINE)
    ]
    assert set(told) <= targets


@every_page
def test_links_lead_somewhere(name: str) -> None:
    """To files that are there, and headings in them."""
    folder = (ROOT / name).parent
    for link in LINK.findall(re.sub(r"^```.*?^```$", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / name
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(one) for one in headings}, link


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

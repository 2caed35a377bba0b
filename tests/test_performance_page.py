"""docs/performance.md and docs/scale.md are what docs/performance/*.json say."""

from pathlib import Path

import pytest
from bench_path import draw, results, svg


@pytest.mark.parametrize("name", sorted(path.stem for path in results.FOLDER.glob("*.json")))
def test_results_are_in_shape(name: str) -> None:
    """Every file is readable, its medians are medians, and it has a section and pictures on a page."""
    found = results.load(name)

    assert found is not None
    assert found.cases
    assert name in draw.PICTURES
    assert any(f"<!-- {name} -->" in page.read_text(encoding="utf-8") for page in draw.PAGES)


@pytest.mark.parametrize("page", draw.PAGES, ids=lambda page: page.name)
def test_the_page_is_what_the_figures_say(page: Path) -> None:
    """`make performance` would change nothing."""
    text = page.read_text(encoding="utf-8")

    assert draw.page(text) == text


def test_the_pictures_are_what_the_figures_say() -> None:
    """Each is drawn from its figures; there are no others, and the pages show them all."""
    made: dict[str, str] = {}
    for name in draw.PICTURES:
        if (found := results.load(name)) is not None:
            made |= draw.drawn(name, found)
    shown = "".join(page.read_text(encoding="utf-8") for page in draw.PAGES)

    assert {path.name: path.read_text(encoding="utf-8") for path in results.FOLDER.glob("*.svg")} == made
    assert [name for name in made if f"performance/{name}" not in shown] == []


def test_a_picture_says_what_it_is_given() -> None:
    """Names and figures stand in it as text, and nothing that is written there becomes markup."""
    drawn = svg.bars("<b>", "1/s", {"a & b": [svg.Bar("ticker", 1234.5, 1200.0, 1300.0), svg.Bar("x", 3, 3, 3)]})

    assert "<b>" not in drawn
    assert "a &amp; b" in drawn
    assert ">1,234<" in drawn

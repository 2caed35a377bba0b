"""A browser and a stage for all tests of a module, and a fresh tab for each."""

from collections.abc import Iterator

import pytest
from browser.stage import Stage
from chromium import ABSENT, CHROMIUM, FLAGS
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from snapshots import snapshot


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    if not CHROMIUM:
        pytest.skip(ABSENT)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def theatre() -> Iterator[Stage]:
    """One stage; `stage` cleans it up for each test."""
    built = Stage()
    yield built
    built.close()


@pytest.fixture
def stage(theatre: Stage) -> Stage:
    """A stage as at the beginning."""
    theatre.reset()
    theatre.past.kept = []
    theatre.settle(snapshot())
    return theatre


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A reader's browser: its own cookies and cache."""
    opened = browser.new_context(viewport={"width": 800, "height": 900})
    yield opened
    opened.close()


@pytest.fixture
def tab(context: BrowserContext) -> Page:
    """A fresh tab."""
    return context.new_page()

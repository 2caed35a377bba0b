"""A browser and a stage for all tests of a module, and a fresh tab for each."""

import os
import shutil
from collections.abc import Iterator

import pytest
from browser.stage import Stage
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from snapshots import snapshot

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    if not CHROMIUM:
        pytest.skip("no chromium on the path; set CHROMIUM")
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

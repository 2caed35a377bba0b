"""One blog, one ticker and one browser for all tests here; what a test did to them is undone before the next."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import ABSENT, CHROMIUM, FLAGS
from playwright.sync_api import Browser, Page, sync_playwright
from wordpress.blog import Blog, missing
from wordpress.desk import Desk

ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"  # WordPress's emoji, avatars


@pytest.fixture(scope="package")
def standing() -> Iterator[tuple[Blog, Desk]]:
    """Both, running, and the blog told where the ticker is."""
    if lacking := missing():
        pytest.skip(lacking)
    desk = Desk()
    folder = Path(tempfile.mkdtemp(prefix="blog"))  # a socket's path must be short
    try:
        blog = Blog(folder)
        try:
            blog.run(f"update_option( 'market_prices_url', '{desk.origin}' );")
            yield blog, desk
        finally:
            blog.close()
    finally:
        desk.close()
        shutil.rmtree(folder)


@pytest.fixture
def desk(standing: tuple[Blog, Desk]) -> Desk:
    """The ticker, running, asked by nobody yet."""
    standing[1].reset()
    return standing[1]


@pytest.fixture
def blog(standing: tuple[Blog, Desk], desk: Desk) -> Blog:
    """The blog, with nothing kept."""
    standing[0].forget()
    return standing[0]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    if not CHROMIUM:
        pytest.skip(ABSENT)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, ALONE])
        yield running
        running.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A reader's tab."""
    context = browser.new_context(viewport={"width": 1000, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture
def bare(browser: Browser) -> Iterator[Page]:
    """The tab of a reader who has no script."""
    context = browser.new_context(viewport={"width": 1000, "height": 1000}, java_script_enabled=False)
    yield context.new_page()
    context.close()

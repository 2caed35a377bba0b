"""The browser, the stage and the tabs of tests/browser, for what the pages of docs/ show."""

from collections.abc import Iterator

import pytest
from browser.conftest import browser, context, stage, tab, theatre
from playwright.sync_api import expect

__all__ = ["browser", "context", "stage", "tab", "theatre"]


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """What is certain to come is waited for longer than the five seconds that Playwright would."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)

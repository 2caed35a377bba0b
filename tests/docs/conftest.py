"""The browser, the stage and the tabs of tests/browser, for what the pages of docs/ show."""

from browser.conftest import browser, context, stage, tab, theatre

__all__ = ["browser", "context", "stage", "tab", "theatre"]

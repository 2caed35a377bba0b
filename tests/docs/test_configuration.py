"""docs/configuration.md is what the code says, and what it says of the environment is so."""

from docs.configuration import INTRODUCTION, PAGE, page

from ticker.config import load, shipped_folder


def test_the_page_is_what_the_code_says() -> None:
    """Where it is not: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_list_in_the_environment() -> None:
    """As the page writes one."""
    (example,) = (part for part in INTRODUCTION.split("`") if part.startswith("TICKER_SERVER_TRUSTED_PROXIES="))
    name, _, value = example.partition("=")
    config = load(shipped_folder(), {name: value})
    assert [one.partition("/")[0] for one in config.server.trusted_proxies] == ["10.0.0.0", "192.0.2.7"]

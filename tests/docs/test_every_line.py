"""No command stands in the pages unnoticed: each line of a shell block is run by a test, or here is why it is not.

A line that is new, or another, fails here until it is in one of the two tables.
"""

import re

from docs.pages import BLOCKS, ROOT, of

# Pages that are followed whole, and lines by how they begin: the test that runs them, perhaps with another address.
WHOLE = {
    "docs/first-steps.md": "tests/docs/test_first_steps.py",
    "docs/adding-a-source.md": "tests/docs/test_adding_a_source.py",
    "docs/for-page-authors.md": "tests/docs/test_for_page_authors.py",
    "docs/translating.md": "tests/docs/test_blocks.py",
}
RUN = {
    r"git clone <this repository> ticker && cd ticker$": "tests/docs/test_first_steps.py",
    r"make demo ": "tests/docs/test_first_steps.py",
    r"\.venv/bin/ticker (init mine|check --config mine|run --config mine|coins add solana --config mine) ": (
        "tests/docs/test_first_steps.py"
    ),
    r"\.venv/bin/ticker check --online ": "tests/whole/test_identity.py",
    r"ticker (poll|serve) +--store redis:": "tests/docs/test_first_steps.py",
    r"ticker history fill --store redis:": "tests/whole/test_fill.py",
    r"ticker publish /srv/prices( --once)? ": "tests/whole/test_publish.py",
    r"ticker status ": "tests/docs/test_asked.py",
    r"TICKER_SERVER_WORKERS=4 ticker (run|serve) --store redis:": "tests/lifecycle/test_workers.py",
    r"sh deploy/compose/make-secrets ": "tests/deploy/test_image.py",
    r"until curl -fsS \S+/readyz; ": "tests/docs/test_asked.py",
    r"(sqlite3|redis-cli) ": "tests/docs/test_asked.py",
}
NOT_RUN = {
    r"make (test|check|faults|exam) ": "they are the tests",
    r"python3 -m venv /opt|/opt/ticker/bin/(pip|ticker) |cp ": "they write to the system; what they copy is there",
    r"systemctl ": "no systemd runs where the tests do; units are verified in tests/deploy/test_systemd.py",
    r"docker ": "no container can be built where the tests run; its commands are started in tests/deploy/test_image.py",
}
LANGUAGES = {"sh", "html", "js", "python", "json", "toml", "nginx", "ini", "diff"}


def test_each_line_is_run_or_known_not_to_be() -> None:
    """And none is in the tables that is in no page."""
    lines = {line for name, block in of("sh") if name not in WHOLE for line in block.text.splitlines() if line}
    patterns = [*RUN, *NOT_RUN]
    homeless = {line for line in lines if sum(bool(re.match(one, line)) for one in patterns) != 1}
    assert homeless == set()
    assert [one for one in patterns if not any(re.match(one, line) for line in lines)] == []


def test_the_tests_are_there() -> None:
    """Under the names that the tables give."""
    files = {
        *WHOLE.values(),
        *RUN.values(),
        *(one for why in NOT_RUN.values() for one in re.findall(r"tests/\S+", why)),
    }
    assert [one for one in files if not (ROOT / one).is_file()] == []


def test_each_language_has_its_test() -> None:
    """A block in another language would be one that nothing reads."""
    assert {block.language for _, block in BLOCKS} == LANGUAGES

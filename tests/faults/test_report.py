"""docs/faults.md and the tests it tells of: neither has one that the other has not."""

from faults.report import FOLDER, HEADINGS, PAGE, measuring, names_in

FEWEST, DATED = 60, 24


def test_every_module_has_its_heading() -> None:
    """No file of fault tests is left out of the page."""
    assert set(HEADINGS) == {path.stem for path in FOLDER.glob("test_*.py")} - {"test_report", "test_wire"}


def test_the_page_and_the_tests_agree() -> None:
    """Every test that measures has its rows, in its place; no row is of a test that is gone."""
    assert names_in(PAGE.read_text(encoding="utf-8")) == [test for tests in measuring().values() for test in tests]


def test_there_are_as_many_as_promised() -> None:
    """24 dated failures by name, and 60 fault tests beside them."""
    found = measuring()
    assert len(found.pop("test_dated")) >= DATED
    assert sum(map(len, found.values())) >= FEWEST

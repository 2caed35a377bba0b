"""Files that cannot be read are refused by name, and what can be read is read exactly."""

from decimal import Decimal

import pytest

from ticker.config.read import LARGEST_FILE, read
from ticker.errors import ConfigError


def refusal(path):
    """The sentence a file is refused with, without its folder."""
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_a_missing_file_names_the_way_out(tmp_path):
    """A missing file says so, and how to get one."""
    assert refusal(tmp_path / "ticker.toml") == (
        "ticker.toml: file: cannot be read: no such file; `ticker init DIR` writes one to edit"
    )


def test_a_folder_in_its_place(tmp_path):
    """A folder is no file."""
    (tmp_path / "coins.toml").mkdir()
    assert refusal(tmp_path / "coins.toml") == "coins.toml: file: not a file"


def test_an_unreadable_file(tmp_path, monkeypatch):
    """What the system refuses is told in its own words."""
    path = tmp_path / "coins.toml"
    path.write_text("")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    assert refusal(path) == "coins.toml: file: cannot be read: permission denied"


def test_a_file_that_is_not_utf8(tmp_path):
    """Another encoding is refused with the place of the first byte."""
    path = tmp_path / "coins.toml"
    path.write_bytes("# ä\nname = 'ü'".encode("latin-1"))
    assert refusal(path) == "coins.toml: file: not UTF-8: byte 2 cannot be read as text"


def test_a_file_that_is_too_large(tmp_path):
    """A file beyond the bound is refused, one at the bound is read."""
    path = tmp_path / "coins.toml"
    path.write_bytes(b"#" * (LARGEST_FILE + 1))
    assert refusal(path) == "coins.toml: file: larger than 2048 KiB"
    path.write_bytes(b"#" * LARGEST_FILE)
    assert read(path).values == {}


def test_nesting_without_end(tmp_path):
    """A file that would exhaust the stack is refused."""
    path = tmp_path / "coins.toml"
    path.write_text("a = " + "[" * 100_000)
    assert refusal(path) == "coins.toml: syntax: nested too deeply"


def test_a_number_of_too_many_digits(tmp_path):
    """A number that Python will not convert is refused like any other mistake."""
    path = tmp_path / "coins.toml"
    path.write_text("a = " + "9" * 5000)
    assert refusal(path).startswith("coins.toml: syntax: not valid TOML: ")


def test_numbers_stay_exact_and_keep_their_place(tmp_path):
    """A number with a point is a Decimal, and every value knows where it stands."""
    path = tmp_path / "coins.toml"
    path.write_text('\ufeff# with a byte order mark\n[a."b c"]\nd = 0.1\ne = [1,\n2]\n', encoding="utf-8")
    document = read(path)
    given = document.given("a", "b c", "d")
    assert (given.value, given.key, given.line) == (Decimal("0.1"), "a.b c.d", 3)
    assert (document.given("a", "b c", "e", 1).key, document.given("a", "b c", "e", 1).line) == ("a.b c.e", 5)

"""One bad file for every rule, in bad/, and the exact sentences it is refused with, in its first lines."""

from pathlib import Path

import pytest

from ticker.config import check, load
from ticker.errors import ConfigError

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))


def expected(path):
    """The sentences in the leading comments of a bad file."""
    return [line.removeprefix("# ") for line in path.read_text().split("\n\n")[0].splitlines()]


def spoiled(path, folder):
    """A configuration with the bad file in the place of the good one; the name says of which."""
    (folder / f"{path.name.partition('-')[0]}.toml").write_text(path.read_text())
    return folder


def test_there_are_bad_files():
    """An empty folder must not look like success."""
    assert len(BAD) > 80


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_exact_sentences(path, folder):
    """Every bad file gives exactly its sentences: file, line, key, value, reason."""
    found = [str(error).replace(f"{folder}/", "") for error in check(spoiled(path, folder), {})]
    assert found == expected(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_line_is_true(path, folder):
    """The line an error names is the line that holds its key, or the element it complains about."""
    rows = path.read_text().splitlines()
    for error in check(spoiled(path, folder), {}):
        if error.line is not None and error.key != "syntax":
            named = error.key.rpartition(".")[2] in rows[error.line - 1]
            assert named or str(error.value) in rows[error.line - 1]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_load_raises_the_first(path, folder):
    """Loading refuses what checking refuses, whole."""
    with pytest.raises(ConfigError) as caught:
        load(spoiled(path, folder), {})
    assert str(caught.value).replace(f"{folder}/", "") == expected(path)[0]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_secret_is_shown(path, folder):
    """Whatever looks like a secret in a bad file stays there."""
    assert not [error for error in check(spoiled(path, folder), {}) if "planted-secret" in f"{error}{error.value}"]


def test_all_errors_come_in_the_order_of_the_files(folder):
    """ticker.toml before coins.toml before the environment before the command line, each from top to bottom."""
    (folder / "ticker.toml").write_text('[store]\nprefix = ""\n[server]\nport = -1\nhots = ""\n')
    (folder / "coins.toml").write_text("show = [1]\n")
    places = [(Path(e.file).name, e.line) for e in check(folder, {"TICKER_SERVER_PORT": "x"}, {"server.port": "y"})]
    assert places == [
        ("ticker.toml", 2),
        ("ticker.toml", 4),
        ("ticker.toml", 5),
        ("coins.toml", None),
        ("coins.toml", None),
        ("coins.toml", 1),
        ("environment", None),
        ("command line", None),
    ]


def test_too_many_coins(folder):
    """More coins than anything downstream is measured for are refused."""
    many = "".join(f'[coins.c{i}]\nname = "C"\nsymbol = "C"\n' for i in range(2001))
    (folder / "coins.toml").write_text(f"show = []\n{many}")
    assert [str(error).replace(f"{folder}/", "") for error in check(folder, {})] == [
        "coins.toml:2: coins: has 2001 coins; at most 2000 are possible"
    ]


@pytest.mark.parametrize(
    "value", ["1e999999999", "inf", "nan", "-1", "true", "0x" + "f" * 5000, '"1_0"', '"１"', "1e15001"]
)
def test_strange_fixed_prices(folder, value):
    """No number, however large or odd, gets through or breaks the reader."""
    path = folder / "coins.toml"
    path.write_text(path.read_text().replace("ids = {", f"fixed = {value}\n#"))
    assert [error.key for error in check(folder, {})] == ["coins.bitcoin.fixed"]

"""Changes to coins.toml: only what was meant changes, letter by letter, and what cannot be done so is refused."""

import tomllib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticker.config import check, editable, replace_file, shipped_folder
from ticker.config.edit import add_coin, confirm_coin, remove_coin, show_coin
from ticker.errors import ConfigError

TEXT = """\
# The coins.
show = [
    "bitcoin", # first
    # a remark
    "nano",
]

# The list above.

[coins.bitcoin]
name = "Bitcoin" # by everyone
symbol = "BTC"
ids = { kraken = "BTC/USD" }

# Once called RaiBlocks.
[coins.nano]
name = "Nano"
symbol = "NANO"
ids = { kraken = "NANO/USD" }

# Never remove these.

[coins.tether]
name = "Tether"
symbol = "USDT"

[coins.usd-coin]
name = "USDC"
symbol = "USDC"
# the end
"""
NOW = datetime(2026, 11, 22, 10, 0, 0, 123_456, UTC)


def lines(before, after):
    """The lines that are gone, and those that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_adding():
    """One section at the end and one line in the list; nothing else moves."""
    after = add_coin(TEXT, "ark", 'The "Ark"', "ARK", {"kraken": "ARK/USD", "coinlore": "7"}, show=True)
    assert after == TEXT.replace('    "nano",\n', '    "nano",\n    "ark",\n') + (
        '\n[coins.ark]\nname = "The \\"Ark\\""\nsymbol = "ARK"\nids = { kraken = "ARK/USD", coinlore = "7" }\n'
    )
    assert add_coin(TEXT, "ark", "Ark", "ARK", {}, show=False).startswith(TEXT)


def test_removing():
    """The section, its own comment and its line in the list go; other comments stay where they are."""
    gone, came = lines(TEXT, remove_coin(TEXT, "nano"))
    assert gone == [
        '    "nano",',
        "# Once called RaiBlocks.",
        "[coins.nano]",
        'name = "Nano"',
        'symbol = "NANO"',
        'ids = { kraken = "NANO/USD" }',
    ]
    assert came == []
    assert "\n\n\n" not in remove_coin(TEXT, "nano")


def test_removing_the_first():
    """The comment of a part, which stands apart, stays; so does the comment of the next coin."""
    after = remove_coin(TEXT, "bitcoin")
    assert "# The list above.\n\n# Once called RaiBlocks.\n[coins.nano]\n" in after
    assert "Bitcoin" not in after


def test_removing_the_last():
    """A coin added and removed again leaves the text as it was."""
    text = TEXT.replace("# the end\n", "")
    assert remove_coin(add_coin(text, "ark", "Ark", "ARK", {}, show=True), "ark") == text


def test_confirming():
    """The moment is written in UTC behind the coin's other values, and replaced the next time."""
    after = confirm_coin(TEXT, "bitcoin", NOW)
    assert lines(TEXT, after) == ([], ["confirmed = 2026-11-22T10:00:00Z"])
    assert 'ids = { kraken = "BTC/USD" }\nconfirmed = 2026-11-22T10:00:00Z\n\n# Once' in after
    later = confirm_coin(after, "bitcoin", datetime(2027, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert lines(after, later) == (["confirmed = 2026-11-22T10:00:00Z"], ["confirmed = 2027-01-01T00:00:00Z"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: add_coin(text, "nano", "Nano", "XNO", {}, show=True), "is there already"),
        (lambda text: remove_coin(text, "ark"), "there is no such coin"),
        (lambda text: remove_coin(text, "tether"), "stays: prices in USDT count only through its price"),
        (lambda text: remove_coin(text, "usd-coin"), "stays: prices in USDC count only through its price"),
        (lambda text: confirm_coin(text, "ark", NOW), "there is no such coin"),
        (lambda text: show_coin(text, "ark"), "there is no such coin"),
        (lambda text: show_coin(text, "nano"), "is in the list already"),
        (lambda text: remove_coin("show = [", "nano"), "not valid TOML"),
        (lambda text: add_coin("coins = {}", "ark", "Ark", "ARK", {}, show=False), "not valid TOML"),
        (lambda text: add_coin("[coins]\n", "ark", "Ark", "ARK", {}, show=True), 'has no "show"'),
    ],
)
def test_what_is_refused(change, reason):
    """Every refusal has its reason."""
    with pytest.raises(ValueError, match=reason):
        change(TEXT)


@pytest.mark.parametrize("text", [TEXT.replace("\n", "\r\n"), TEXT.rstrip("\n")], ids=["CRLF", "no last line end"])
def test_line_ends(text):
    """The file keeps its line ends."""
    for after in (add_coin(text, "ark", "Ark", "ARK", {}, show=True), confirm_coin(text, "nano", NOW)):
        assert after.count("\n") == after.count("\r\n") or "\r" not in text
        assert ("\r\n" in after) == ("\r\n" in text)


def test_other_ways_of_writing():
    """Sections within sections, dotted keys and tables on one line are changed rightly or refused."""
    nested = TEXT.replace('ids = { kraken = "NANO/USD" }', '[coins.nano.ids]\nkraken = "NANO/USD"')
    assert tomllib.loads(remove_coin(nested, "nano")) == tomllib.loads(remove_coin(TEXT, "nano"))
    assert "# Never remove these.\n" in remove_coin(nested, "nano")
    inline = 'show = ["a"]\n[coins]\na = { name = "A", symbol = "A" }\nb = { name = "B", symbol = "B" }\n'
    assert tomllib.loads(remove_coin(inline, "a"))["coins"].keys() == {"b"}
    assert "confirmed" in tomllib.loads(confirm_coin(inline, "a", NOW))["coins"]["a"]


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=30), st.text(max_size=10), st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3)
)
def test_any_words(name, symbol, ids):
    """Whatever sources call a coin, the file holds exactly that, or the change is refused."""
    try:
        after = add_coin(TEXT, "ark", name, symbol, ids, show=True)
    except ValueError:
        return
    assert tomllib.loads(after)["coins"]["ark"] == {"name": name, "symbol": symbol, "ids": ids}


def test_every_shipped_coin_can_be_removed():
    """One after the other, in both directions, and what is left is valid until nothing is."""
    folder = shipped_folder()
    text = (folder / "coins.toml").read_text()
    coins = list(tomllib.loads(text)["coins"])
    for order in (coins, coins[::-1]):
        left = text
        for coin in order:
            if coin not in ("tether", "usd-coin"):
                left = remove_coin(left, coin)
        assert check(folder, {}, coins=left) == []
        assert "# What prices in USDT and USDC count through. Never remove these two." in left


def test_replacing_keeps_permissions_and_links(tmp_path):
    """The file changes at once under the permissions it had; a link to it stays a link; no temporary file is left."""
    real, link = tmp_path / "real.toml", tmp_path / "coins.toml"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    replace_file(link, b"old", b"new")
    assert (real.read_bytes(), real.stat().st_mode & 0o777, link.is_symlink()) == (b"new", 0o640, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coins.toml", "real.toml"]


def test_replacing_what_someone_else_changed(tmp_path):
    """A file that is not what was read is left alone."""
    path = tmp_path / "coins.toml"
    path.write_bytes(b"theirs")
    with pytest.raises(ConfigError, match="changed by someone else"):
        replace_file(path, b"ours", b"new")
    assert path.read_bytes() == b"theirs"
    assert [one.name for one in tmp_path.iterdir()] == ["coins.toml"]


def test_replacing_what_cannot_be_written(tmp_path):
    """A reason instead of a trace."""
    with pytest.raises(ConfigError, match="cannot be written"):
        replace_file(tmp_path / "none" / "coins.toml", b"", b"new")


def test_the_shipped_folder_is_never_changed(tmp_path, monkeypatch):
    """Where there is no configuration of one's own, there is nothing to edit."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="came with the program and is never changed"):
        editable()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "coins.toml").write_text(TEXT)
    assert editable() == editable(tmp_path / "config").relative_to(tmp_path)

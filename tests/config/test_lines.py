"""Every key, table and element is found on its true line, however the file is written."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.config.folder import shipped_folder
from ticker.config.lines import find_lines

GNARLY = '''\
# a comment with [brackets] and = signs

title = "a # in a text" # and a comment
"quoted key" = 'lit"eral'
dotted.inner . "deep key" = 1
multi = """
[not a table]
x = "no key" \\""" still text
"""
literal = \'\'\'
y = 2 \'\'
\'\'\'\'\'
list = [
    # first comes a comment
    "one", "two",

    { name = "three", tags = ["a",
        "b"] },
]
when = 1979-05-27 07:32:00

[ table . "sub.table" ]   # spaces everywhere
key = { a = 1, b.c = [1, [2,
3]] }

[[array]]
n = 1

[[array]]
n = 2
[array.child]
deep = true
[[array.inner]]
m = 3
'''


def paths(value, path=()):
    """Every path of a parsed document, its own first."""
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        yield from paths(one, (*path, key))


def test_a_gnarly_file_line_by_line():
    """Texts over many lines, comments, quoted and dotted keys, inline tables and arrays of tables."""
    expected = {
        ("title",): 3,
        ("quoted key",): 4,
        ("dotted",): 5,
        ("dotted", "inner", "deep key"): 5,
        ("multi",): 6,
        ("literal",): 10,
        ("list",): 13,
        ("list", 0): 15,
        ("list", 1): 15,
        ("list", 2): 17,
        ("list", 2, "name"): 17,
        ("list", 2, "tags", 1): 18,
        ("when",): 20,
        ("table",): 22,
        ("table", "sub.table"): 22,
        ("table", "sub.table", "key"): 23,
        ("table", "sub.table", "key", "b", "c"): 23,
        ("table", "sub.table", "key", "b", "c", 1, 1): 24,
        ("array",): 26,
        ("array", 0): 26,
        ("array", 0, "n"): 27,
        ("array", 1): 29,
        ("array", 1, "n"): 30,
        ("array", 1, "child"): 31,
        ("array", 1, "child", "deep"): 32,
        ("array", 1, "inner"): 33,
        ("array", 1, "inner", 0, "m"): 34,
    }
    found = find_lines(GNARLY)
    assert {path: found[path] for path in expected} == expected


def test_every_path_has_a_line_and_no_other_has():
    """What the standard library reads, and what has a line, are the same paths."""
    assert set(find_lines(GNARLY)) == set(paths(tomllib.loads(GNARLY)))


@pytest.mark.parametrize("name", ["ticker.toml", "coins.toml"])
def test_the_shipped_files(name):
    """In the shipped files every key stands on the line it is said to stand on."""
    text = (shipped_folder() / name).read_text()
    rows, found = text.splitlines(), find_lines(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    for path, line in found.items():
        last = next(part for part in reversed(path) if isinstance(part, str))
        assert last in rows[line - 1] or isinstance(path[-1], int)


@pytest.mark.parametrize("text", ["", "\n\n# only a comment", "a = 1\r\nb = 2\r\n", "a=1#\n#\nb=2"])
def test_small_files(text):
    """Empty files, Windows line ends, no line end at the end."""
    assert set(find_lines(text)) == set(paths(tomllib.loads(text)))


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.recursive(
    TEXTS | st.integers(-(2**60), 2**60) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def written(value):
    """A value as TOML, its lists over several lines."""
    match value:
        case dict():
            return (
                "{ "
                + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {written(one)}" for key, one in value.items())
                + " }"
            )
        case list():
            return "[ # comment ]\n" + "".join(f"{written(one)}, # ]\n" for one in value) + "]"
        case bool():
            return str(value).lower()
        case _:
            return json.dumps(value, ensure_ascii=False)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_any_document(document):
    """For any document, whatever its keys and texts hold: all paths, and each top key on the line it was written on."""
    text, expected = "", {}
    for key, value in document.items():
        expected[(key,)] = text.count("\n") + 1
        text += f"{json.dumps(key, ensure_ascii=False)} = {written(value)}\n"
    found = find_lines(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    assert {path: line for path, line in found.items() if len(path) == 1} == expected

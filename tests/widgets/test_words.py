"""The words around the numbers: every catalogue whole, every word used, and the right language for every locale."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import widgets
from widgets.words import FOLDER, all_words, counted, direction, language, words

PACKAGE = Path(widgets.__file__).parent
NAMES = sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/ticker.po"))
TEMPLATE = FOLDER / "ticker.pot"
MARKED = {"single", "degraded", "disputed", "fixed"}  # say[row.agreement], and the sentence behind each
HEADS = {"name", "price"}  # say[column], over a table
COMPUTED = {"up", "down", *HEADS, *MARKED, *(f"{one}_why" for one in MARKED)}  # up and down: say[direction]


def catalogue(path: Path) -> Catalog:
    """A file as the usual tools read it."""
    with path.open("rb") as file:
        return read_po(file, locale=None if path == TEMPLATE else path.parent.parent.name)


def messages(path: Path) -> dict[str, Message]:
    """Word name to message."""
    return {str(one.context): one for one in catalogue(path) if one.id}


def texts(message: Message) -> list[str]:
    """Every form of a translation."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


def places(text: str) -> list[str]:
    """The places for numbers, in any order."""
    return sorted(field for _, field, _, _ in Formatter().parse(text) if field is not None)


def test_twenty_languages() -> None:
    """There are at least twenty, three of them written from right to left, English first and each by its tag."""
    tags = list(all_words())
    assert len(tags) >= 20
    assert tags[0] == "en"
    assert {"ar", "fa", "he"} == {tag for tag in tags if Locale.parse(tag, sep="-").text_direction == "rtl"}
    assert "zh-Hant" in tags


@pytest.mark.parametrize("name", NAMES)
def test_complete(name: str) -> None:
    """Every language has every word of the template, with the same places for numbers, and none says "live"."""
    path = FOLDER / name / "LC_MESSAGES" / "ticker.po"
    found, wanted = messages(path), messages(TEMPLATE)
    assert list(found) == list(wanted)
    for key, message in found.items():
        english = wanted[key]
        assert (message.id, message.fuzzy) == (english.id, False), key
        for text in texts(message):
            assert text.strip() == text != "", key
            assert places(text) == places(english.id if isinstance(english.id, str) else english.id[-1]), key
            assert "live" not in text.lower(), key
        assert not message.check(catalogue(path))
    assert not catalogue(path).obsolete


@pytest.mark.parametrize("name", NAMES)
def test_plurals(name: str) -> None:
    """A language has every form that its rule can ask for, and every count finds one."""
    read = catalogue(FOLDER / name / "LC_MESSAGES" / "ticker.po")
    tag = name.replace("_", "-")
    for message in read:
        if message.id and message.pluralizable:
            assert len(texts(message)) == read.num_plurals
            assert all(counted(str(message.context), number, tag) in texts(message) for number in range(200))


def test_counted() -> None:
    """The count decides the form, as each language has it."""
    assert counted("from", 1, "en") == "{used} of {total} source"
    assert counted("from", 7, "en") == words("en")["from"] == "{used} of {total} sources"
    assert [counted("from", number, "ar").split()[-1] for number in (2, 7, 11)] == ["مصدرين", "مصادر", "مصدرًا"]
    assert [counted("from", number, "ro").split()[-2] for number in (2, 20)] == ["{total}", "de"]


def test_template() -> None:
    """English says nothing of "live" either, and whoever translates is told what every place stands for."""
    for key, message in messages(TEMPLATE).items():
        for text in [message.id] if isinstance(message.id, str) else message.id:
            assert "live" not in text.lower()
        said = " ".join(message.auto_comments)
        assert said, key
        for place in places(message.id if isinstance(message.id, str) else message.id[-1]):
            assert f"{{{place}}}" in said, key
        assert message.string in ("", ("", "")), "the template is not translated"


def used_in_code() -> Iterator[str]:
    """The names that code looks up: words(…)["name"], say["name"], counted("name", …)."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "counted":
                yield from constants(node.args[0])
            if isinstance(node, ast.Subscript) and (
                (isinstance(node.value, ast.Name) and node.value.id == "say")
                or (isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "words")
            ):
                yield from constants(node.slice)


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may become: "a", or "a" if … else "b"."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def used_in_templates() -> Iterator[str]:
    """The names that templates print: say.name, say["name"]."""
    for path in PACKAGE.rglob("*.html"):
        yield from re.findall(r"\bsay(?:\.|\[[\"'])(\w+)", path.read_text(encoding="utf-8"))


def test_every_word_is_used() -> None:
    """What code and templates look up is in the template, and nothing else is: no word is missing, none is dead."""
    used = {*used_in_code(), *used_in_templates(), *COMPUTED}
    assert used == set(messages(TEMPLATE))


@pytest.mark.parametrize(
    ("locale", "spoken", "lang", "dir_"),
    [
        ("pt-BR", "sem preço", "pt-BR", "ltr"),
        ("zh-Hant-TW", "暫無價格", "zh-Hant-TW", "ltr"),
        ("zh-HK", "暫無價格", "zh-HK", "ltr"),
        ("zh-Hant-MO", "暫無價格", "zh-Hant-MO", "ltr"),
        ("zh-Hans-CN", "暂无价格", "zh-Hans-CN", "ltr"),
        ("es-419", "sin precio", "es-419", "ltr"),
        ("nb", "ingen kurs", "no", "ltr"),
        ("nn-NO", "ingen kurs", "no", "ltr"),
        ("fa-IR", "بدون قیمت", "fa-IR", "rtl"),
        ("ar-EG-u-nu-latn", "لا يوجد سعر", "ar-EG", "rtl"),
        ("en-GB", "no price", "en-GB", "ltr"),
        ("ur", "no price", "en", "ltr"),
        ("uz-Arab", "no price", "en", "ltr"),
        ("nonsense!", "no price", "en", "ltr"),
    ],
)
def test_choice(locale: str, spoken: str, lang: str, dir_: str) -> None:
    """A locale gets its own words, or its parent's, never another script's; without any English, marked as such."""
    assert (words(locale)["none"], language(locale), direction(locale)) == (spoken, lang, dir_)


def test_read_when_asked() -> None:
    """Listing languages reads no catalogue, and drawing in one reads no other."""
    code = (
        "import sys; from widgets import words; tags = list(words.all_words()); "
        "assert 'babel.messages.pofile' not in sys.modules; words.words('de-AT'); "
        "print(len(tags), words._catalogue.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == ([str(len(all_words())), "1"], "")
    with pytest.raises(KeyError):
        all_words()["xx"]

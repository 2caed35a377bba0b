"""The words around the numbers, in every language we have."""

from string import Formatter

import pytest

from widgets.words import all_words, direction, language, words

FIELDS = {
    name: [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    for name, text in words("en").items()
}


@pytest.mark.parametrize("name", sorted(all_words()))
def test_complete(name: str) -> None:
    """Every language has every word, with the same places for numbers, and none says "live"."""
    table = all_words()[name]
    assert table.keys() == words("en").keys()
    for word, text in table.items():
        assert text.strip() == text != ""
        assert sorted(field for _, field, _, _ in Formatter().parse(text) if field is not None) == sorted(FIELDS[word])
        assert "live" not in text.lower()


def test_choice() -> None:
    """A locale gets its language, its script and its direction; an unknown language gets English, marked as such."""
    assert words("pt-BR")["none"] == "sem preço"
    assert words("zh-Hant-TW")["none"] == "暫無價格"
    assert words("zh-HK") is words("zh-Hant")
    assert words("zh-Hans-CN")["none"] == "暂无价格"
    assert (language("pt-BR"), direction("pt-BR")) == ("pt-BR", "ltr")
    assert (language("fa-IR"), direction("fa-IR")) == ("fa-IR", "rtl")
    assert (language("ur"), direction("ur"), words("ur")) == ("en", "ltr", words("en"))

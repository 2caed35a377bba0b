"""config/ticker.toml lists every setting at its true default, each with a comment."""

import msgspec
import pytest

from ticker.config import SOURCE_KINDS, check, load, settings, shipped_folder
from ticker.config.durations import seconds
from ticker.config.read import read
from ticker.sources import REGISTRY

SOURCE_DEFAULTS = {
    "enabled": True,
    "base_url": "",
    "plan": "",
    "allow_private": False,
    "accept_terms": False,
    "stream": True,
    "stream_url": "",
}


@pytest.fixture(scope="module")
def document():
    """The shipped file."""
    return read(shipped_folder() / "ticker.toml")


def test_it_is_valid():
    """What ships passes the check."""
    assert check(shipped_folder(), {}) == []


def test_it_lists_every_setting_and_no_other(document):
    """Every setting there is stands in the file, in the order of the program."""
    listed = {section: list(content) for section, content in document.values.items() if section != "sources"}
    expected: dict[str, list[str]] = {}
    for one in settings():
        expected.setdefault(one.section, []).append(one.name)
    assert listed == expected
    assert list(listed) == list(expected)


@pytest.mark.parametrize("one", list(settings()), ids=lambda one: f"{one.section}.{one.name}")
def test_it_states_the_true_default(document, one):
    """A setting in the file is what it would be without the file."""
    assert one.kind.read(document.values[one.section][one.name]) == one.default


def test_it_lists_every_source_with_its_true_defaults(document):
    """Every source has its section, in the order of the registry, with how often it is asked."""
    sections = document.values["sources"]
    assert list(sections) == list(REGISTRY)
    assert list(sections["coingecko"]) == list(SOURCE_KINDS)
    for name, content in sections.items():
        assert {"enabled", "every"} <= content.keys()
        assert seconds(content["every"]) == REGISTRY[name].every
        assert {key: value for key, value in content.items() if key != "every"}.items() <= SOURCE_DEFAULTS.items()


def test_sources_whose_terms_need_a_word_have_their_line(document):
    """Where terms seem to forbid our use, the file shows the setting that accepts them."""
    for name, source in REGISTRY.items():
        if source.terms.forbid:
            assert "accept_terms" in document.values["sources"][name]


def test_every_setting_is_explained(document):
    """Each line of the file that sets something ends with a comment of at least two words."""
    rows = (shipped_folder() / "ticker.toml").read_text().splitlines()
    for path, line in document.lines.items():
        if isinstance(path[-1], str) and not rows[line - 1].startswith("["):
            assert len(rows[line - 1].rpartition("  # ")[2].split()) >= 2, rows[line - 1]


def test_removing_the_file_s_content_changes_nothing(tmp_path):
    """A configuration with an empty ticker.toml is the shipped one."""
    (tmp_path / "ticker.toml").write_text("")
    (tmp_path / "coins.toml").write_bytes((shipped_folder() / "coins.toml").read_bytes())
    assert msgspec.structs.replace(load(tmp_path, {}), folder=shipped_folder()) == load(shipped_folder(), {})

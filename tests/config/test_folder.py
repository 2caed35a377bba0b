"""Where the configuration is looked for, and what init writes."""

import pytest

from ticker.config import check, default_folder, initialise, shipped_folder
from ticker.errors import ConfigError


def test_the_explicit_folder_wins(tmp_path):
    """A folder named by the user is taken, there or not."""
    assert default_folder(tmp_path / "nowhere") == tmp_path / "nowhere"


@pytest.mark.parametrize("name", ["ticker.toml", "coins.toml"])
def test_a_config_here_wins_over_the_shipped_one(tmp_path, monkeypatch, name):
    """./config counts as soon as one of the two files is in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    assert default_folder() == shipped_folder()
    (tmp_path / "config" / name).write_text("")
    assert default_folder().resolve() == tmp_path / "config"


def test_init_writes_a_valid_configuration(tmp_path):
    """What init writes is what ships, and passes the check."""
    written = initialise(tmp_path / "new" / "config")
    assert [path.name for path in written] == ["ticker.toml", "coins.toml"]
    for path in written:
        assert path.read_bytes() == (shipped_folder() / path.name).read_bytes()
    assert check(tmp_path / "new" / "config", {}) == []
    assert sorted(path.name for path in written[0].parent.iterdir()) == ["coins.toml", "ticker.toml"]


@pytest.mark.parametrize("name", ["ticker.toml", "coins.toml"])
def test_init_overwrites_nothing(tmp_path, name):
    """Where one of the files is there, neither is written."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError) as caught:
        initialise(tmp_path)
    assert str(caught.value) == f"{tmp_path / name}: init: is there already, and is not overwritten"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_init_takes_back_what_it_began(tmp_path, monkeypatch):
    """Where the second file cannot be written, the first does not stay, and no scrap of either."""
    from ticker.config import folder as module

    real = module.os.link

    def link(source, target):
        if str(target).endswith("coins.toml"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(module.os, "link", link)
    with pytest.raises(ConfigError, match="cannot be written: No space left on device"):
        initialise(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_init_where_a_file_stands(tmp_path):
    """A file in the place of the folder is named."""
    (tmp_path / "config").write_text("")
    with pytest.raises(ConfigError, match="is there already"):
        initialise(tmp_path / "config")


def test_an_installed_program_has_its_own_copy(tmp_path, monkeypatch):
    """In a wheel the shipped configuration is inside of the package, in a checkout beside it."""
    from ticker.config import folder as module

    monkeypatch.setattr(module, "_PACKAGE", tmp_path / "ticker")
    assert shipped_folder() == tmp_path / "config"
    (tmp_path / "ticker" / "default_config").mkdir(parents=True)
    assert shipped_folder() == tmp_path / "ticker" / "default_config"

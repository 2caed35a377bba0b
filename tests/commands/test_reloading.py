"""The configuration while the service runs: every way to save it, what is refused, what waits for a restart."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from service import write_config

from ticker.commands import reloading
from ticker.commands.reloading import Origin, Reloader
from ticker.config import Config
from ticker.errors import ConfigError

COINS = {
    "bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": {"kraken": "BTC/USD"}},
    "nano": {"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}},
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that a test need not wait for."""
    monkeypatch.setattr(reloading, "LOOK", 0.02)
    monkeypatch.setattr(reloading, "STILL", 0.05)
    monkeypatch.setattr(reloading, "RETRY", 0.1)


@dataclass
class Watched:
    """A folder that is followed, and every configuration that was taken over."""

    folder: Path
    reloader: Reloader
    taken: list[Config] = field(default_factory=list)

    @property
    def coins(self) -> Path:
        return self.folder / "coins.toml"

    async def take(self, config: Config) -> None:
        self.taken.append(config)

    async def until(self, happened: Callable[[], object]) -> None:
        """Wait; the test's time limit ends a wait in vain."""
        while not happened():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)

    async def shows(self, *coins: str) -> None:
        """Wait until these are shown."""
        await self.until(lambda: self.reloader.config.shown == coins)

    async def refuses(self) -> tuple[str, ...]:
        """Wait until something is refused, and say why."""
        await self.until(lambda: self.reloader.standing.refused)
        assert self.reloader.standing.refused is not None
        return self.reloader.standing.refused.reasons


@asynccontextmanager
async def watching(folder: Path, **more: object) -> AsyncIterator[Watched]:
    """A folder, followed until the block ends."""
    found = Watched(folder, Reloader(Origin(folder, **{"environ": {}, **more})))  # type: ignore[arg-type]
    found.reloader.subscribe(found.take)
    async with found.reloader.running():
        yield found


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """A folder of two coins, both shown."""
    async with watching(write_config(tmp_path / "config", COINS)) as found:
        yield found


def listing(*shown: str, folder: Path) -> str:
    """The coin list with other coins shown."""
    text = (folder / "coins.toml").read_text(encoding="utf-8")
    rest = text.partition("\n")[2]
    quoted = ", ".join(f'"{one}"' for one in shown)
    return f"show = [{quoted}]\n{rest}"


async def test_written_in_place(watched: Watched) -> None:
    """The plainest way to save, and only what is in it counts: the same again is no change."""
    watched.coins.write_text(listing("nano", folder=watched.folder))
    await watched.shows("nano")
    watched.coins.write_text(watched.coins.read_text() + "# a comment\n")
    watched.reloader.ask()
    await asyncio.sleep(0.3)
    assert len(watched.taken) == 1
    assert watched.reloader.standing.taken == 2


async def test_written_beside_and_renamed(watched: Watched) -> None:
    """As editors save."""
    beside = watched.folder / ".coins.toml.swp"
    beside.write_text(listing("nano", "bitcoin", folder=watched.folder))
    beside.replace(watched.coins)
    await watched.shows("nano", "bitcoin")


async def test_links_that_are_exchanged(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: files are links through `..data`, a link that is exchanged."""
    folder = tmp_path / "config"
    write_config(folder / "..1", COINS)
    (folder / "..data").symlink_to("..1")
    for name in ("coins.toml", "ticker.toml"):
        (folder / name).symlink_to(f"..data/{name}")
    async with watching(folder) as watched:
        write_config(folder / "..2", COINS, ["nano"])
        (folder / "..new").symlink_to("..2")
        (folder / "..new").replace(folder / "..data")
        await watched.shows("nano")


async def test_a_folder_in_the_place_of_another(watched: Watched) -> None:
    """A deployment that replaces the whole folder."""
    write_config(watched.folder.with_name("new"), COINS, ["nano"])
    watched.folder.rename(watched.folder.with_name("old"))
    watched.folder.with_name("new").rename(watched.folder)
    await watched.shows("nano")


async def test_the_signal(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """SIGHUP looks at once, and says what came of it even if nothing did."""
    with caplog.at_level("INFO", "ticker.reloading"):
        os.kill(os.getpid(), signal.SIGHUP)
        await watched.until(lambda: "is as it was" in caplog.text)
    assert watched.taken == []


async def test_a_wrong_file(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Refused with file, line, key, value and reason, once; the last good one stays; mended, it counts again."""
    good, version = watched.coins.read_text(), watched.reloader.standing.version
    watched.coins.write_text(listing("zzzzzz", folder=watched.folder))
    reasons = await watched.refuses()
    await asyncio.sleep(0.4)  # it is judged again and again

    assert reasons == (f"{watched.coins}:1: show = 'zzzzzz': unknown coin: there is no [coins.zzzzzz]",)
    assert caplog.text.count(reasons[0]) == 1
    assert f"version {version} stays in force" in caplog.text
    assert (watched.taken, watched.reloader.config.shown) == ([], ("bitcoin", "nano"))
    assert (watched.reloader.standing.version, watched.reloader.standing.refusals) == (version, 1)
    watched.coins.write_text(good)
    await watched.until(lambda: watched.reloader.standing.refused is None)
    assert watched.taken == []
    watched.coins.write_text(listing("nano", folder=watched.folder))
    await watched.shows("nano")


async def test_half_a_file(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is being written counts once it is still, though each half of it would be a valid one."""
    monkeypatch.setattr(reloading, "STILL", 1.0)
    whole = listing("nano", folder=watched.folder)
    for end in range(len(whole) - 60, len(whole)):  # the end of the last coin
        watched.coins.write_text(whole[:end])
        await asyncio.sleep(0.01)
    watched.coins.write_text(whole)
    await watched.shows("nano")
    assert len(watched.taken) == 1


async def test_a_reason_outside_of_the_files(watched: Watched) -> None:
    """A coin whose icon is not there yet is refused, and taken over as soon as it is."""
    text = watched.coins.read_text().replace('symbol = "BTC"', 'symbol = "BTC"\nicon = "bitcoin.svg"')
    watched.coins.write_text(text)
    assert "there is no such file in icons/" in (await watched.refuses())[0]
    (watched.folder / "icons").mkdir()
    (watched.folder / "icons" / "bitcoin.svg").write_text("<svg/>")
    await watched.until(lambda: watched.taken)
    assert watched.taken[0].coins[0].icon == "bitcoin.svg"


async def test_what_waits_for_a_restart(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """host, port, store and workers keep their values and are named; what stands beside them takes effect."""
    port, url = watched.reloader.config.server.port, watched.reloader.config.store.url
    settings = '[server]\nport = 9000\n[store]\nurl = "redis://elsewhere:6379"\n[display]\ntitle = "Kurse"\n'
    (watched.folder / "ticker.toml").write_text(settings)
    await watched.until(lambda: watched.taken)

    taken = watched.taken[0]
    assert (taken.server.port, taken.store.url, taken.display.title) == (port, url, "Kurse")
    assert watched.reloader.standing.waiting == ("server.port", "store.url")
    assert caplog.text.count("server.port has changed, which takes effect with the next start") == 1
    (watched.folder / "ticker.toml").write_text('[display]\ntitle = "Preise"\n')
    await watched.until(lambda: len(watched.taken) == 2)
    assert watched.reloader.standing.waiting == ()


async def test_a_secret_in_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another key in its file is another configuration, and is not told."""
    folder, secret = write_config(tmp_path / "config", COINS), tmp_path / "key"
    secret.write_text("planted-one")
    environ = {"TICKER_SOURCES_COINGECKO_KEY_FILE": str(secret)}
    with caplog.at_level("INFO", "ticker.reloading"):
        async with watching(folder, environ=environ) as watched:
            secret.write_text("planted-two")
            await watched.until(lambda: watched.taken)
            await watched.until(lambda: "in force" in caplog.text)
    key = watched.taken[0].sources["coingecko"].key
    assert key is not None
    assert key.reveal() == "planted-two"
    assert "coingecko: another key" in caplog.text
    assert "planted" not in caplog.text
    assert "planted" not in repr(watched.reloader.__dict__)


async def test_a_server_needs_no_coin_list(tmp_path: Path) -> None:
    """`ticker serve` follows its settings, whatever is in coins.toml."""
    folder = write_config(tmp_path / "config", COINS)
    (folder / "coins.toml").write_text("this is no coin list")
    async with watching(folder, priced=False) as watched:
        (folder / "coins.toml").write_text("nor is this")
        (folder / "ticker.toml").write_text('[display]\ntitle = "Kurse"\n')
        await watched.until(lambda: watched.taken)
        assert watched.reloader.standing.refusals == 0


async def test_a_part_that_fails(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is told with its trace, and files are followed on."""

    async def fail(_: Config) -> None:
        if len(watched.taken) == 1:
            raise RuntimeError("a fault of ours")

    watched.reloader.subscribe(fail)
    watched.coins.write_text(listing("nano", folder=watched.folder))
    await watched.until(lambda: "a fault of ours" in caplog.text)
    watched.coins.write_text(listing("nano", "bitcoin", folder=watched.folder))
    await watched.shows("nano", "bitcoin")


def test_nothing_to_begin_with(tmp_path: Path) -> None:
    """A service does not start without a valid configuration."""
    folder = write_config(tmp_path / "config", COINS, ["no-such-coin"])
    with pytest.raises(ConfigError, match="no-such-coin"):
        Reloader(Origin(folder, {}))

"""The coin list edited at random under load: valid, invalid, torn, swapped; in place, by rename, by symbolic links.

    python tests/exam/edits.py [EDITS] [SEED]

The real service on simulated sources that are asked once a minute, so that a new coin can only be priced from the last
answers in memory. Pages must always show a list that was valid when they were asked for, every valid one within
`LIMIT` seconds; nothing may fail, no viewer may be lost, no price forgotten. Exit code 1 where any of that is not so.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from service import Process, stand_ins, ticker, write_config

from ticker.simulate import server as simulator

LIMIT = 2.0  # seconds
PATIENCE = 20.0  # seconds after which a list that is not shown never will be
READERS, VIEWERS = 4, 20
ALWAYS = "bitcoin"  # in every list
VENUES = {"kraken": "{}/USD", "coinbase": "{}-USD", "bitstamp": "{}/USD"}
COINS = {
    "bitcoin": "BTC",
    "ethereum": "ETH",
    "litecoin": "LTC",
    "cardano": "ADA",
    "dogecoin": "DOGE",
    "solana": "SOL",
    "monero": "XMR",
    "stellar": "XLM",
}
PAGES = ("/v1/prices", "/widget/list", "/embed/list?css=none", "/widget/table")
WRONG = ("unknown", "syntax", "twice", "setting", "empty")
WAYS = ("in place", "rename", "swap", "torn")


@dataclass
class Outcome:
    """What came of it: seconds from a save until every page shows it, and whatever went wrong."""

    edits: int = 0
    refused: int = 0
    shown: list[float] = field(default_factory=list)
    answers: int = 0
    told: int = 0
    problems: list[str] = field(default_factory=list)


class Folder:
    """A configuration folder, and every way to save its coin list."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.path, self._rng, self._versions = path, rng, 0
        self._file = path / "coins.toml"

    async def save(self, text: str, way: str) -> None:
        """Save it so; torn is in place, a part of it first."""
        if way == "rename":
            beside = self.path / ".coins.toml.new"
            beside.write_text(text, encoding="utf-8")
            beside.replace(self._file)
        elif way == "swap":
            self._swap(text)
        else:
            if self._file.is_symlink():  # nobody writes through Kubernetes' links
                self._swap(text)
                return
            if way == "torn":
                self._file.write_text(text[: self._rng.randrange(len(text) + 1)], encoding="utf-8")
                await asyncio.sleep(self._rng.uniform(0, 0.15))
            self._file.write_text(text, encoding="utf-8")

    def _swap(self, text: str) -> None:
        """As Kubernetes does it: a new folder, and one link that is exchanged."""
        self._versions += 1
        new = self.path / f"..{self._versions}"
        new.mkdir()
        (new / "coins.toml").write_text(text, encoding="utf-8")
        old = (self.path / "..data").resolve()
        self._link("..data", new.name)
        if not self._file.is_symlink():
            self._link("coins.toml", "..data/coins.toml")
        if old != self.path / "..data":
            (old / "coins.toml").unlink(missing_ok=True)
            old.rmdir()

    def _link(self, name: str, to: str) -> None:
        beside = self.path / ".link"
        beside.symlink_to(to)
        beside.replace(self.path / name)


def text_of(shown: tuple[str, ...], configured: list[str]) -> str:
    """A coin list of these, all of them on every venue."""
    lines = [f"show = {json.dumps(shown)}"]
    for coin in (*configured, "tether", "usd-coin"):
        symbol = COINS.get(coin, coin[:4].upper())
        ids = {name: venue.format(symbol) for name, venue in VENUES.items()} if coin in COINS else {}
        inline = ", ".join(f"{name} = {json.dumps(one)}" for name, one in ids.items())
        lines += [f"[coins.{coin}]", f'name = "{coin.title()}"', f'symbol = "{symbol}"', f"ids = {{ {inline} }}"]
    return "\n".join(lines) + "\n"


def spoiled(text: str, how: str) -> str:
    """The same, and wrong."""
    match how:
        case "unknown":
            return text.replace("show = [", 'show = ["no-such-coin", ', 1)
        case "syntax":
            return text.replace('name = "', "name = ", 1)
        case "twice":
            return text.replace("show = [", f'show = ["{ALWAYS}", ', 1)
        case "setting":
            return text + 'colour = "red"\n'
        case _:
            return ""


class Sitting:
    """The edits, and those who look on. `allowed` are the lists that a page may show at this moment."""

    def __init__(self, service: Process, folder: Folder, rng: random.Random, first: tuple[str, ...]) -> None:
        self._service, self._folder, self._rng = service, folder, rng
        self.allowed, self.now = {first}, first
        self.outcome = Outcome()

    async def edit(self) -> None:
        """One edit, and what becomes of it."""
        self.outcome.edits += 1
        way = self._rng.choice(WAYS)
        shown, text = self._another()
        if self._rng.random() < 0.3:
            how = self._rng.choice(WRONG)
            before = self._service.log.count("is refused")
            # Each is another file: the same one again would not be told again.
            await self._folder.save(spoiled(text, how) + f"# {self.outcome.edits}\n", way)
            async with asyncio.timeout(PATIENCE):
                while self._service.log.count("is refused") == before:  # noqa: ASYNC110 - another process says it
                    await asyncio.sleep(0.05)
            self.outcome.refused += 1
            return
        self.allowed = {self.now, shown}
        await self._folder.save(text, way)
        began = time.monotonic()
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            for path in PAGES:  # each is made anew in its turn
                while (found := await self._look(session, path)) != shown:
                    if found not in self.allowed:
                        self._problem(f"{path} shows {found}, and {sorted(self.allowed)} are allowed")
                    await asyncio.sleep(0.01)
        self.outcome.shown.append(time.monotonic() - began)
        self.now = shown
        self.allowed = {shown}

    def _another(self) -> tuple[tuple[str, ...], str]:
        """A list that is not the present one, with some more coins that are not in it."""
        while True:
            configured = self._rng.sample(list(COINS), self._rng.randint(1, len(COINS)))
            if ALWAYS not in configured:
                configured.append(ALWAYS)
            shown = [ALWAYS, *(one for one in configured if one != ALWAYS and self._rng.random() < 0.7)]
            self._rng.shuffle(shown)
            if tuple(shown) != self.now:
                return tuple(shown), text_of(tuple(shown), configured)

    async def read(self, session: aiohttp.ClientSession) -> None:
        """Ask for pages, for ever."""
        while True:
            path = self._rng.choice(PAGES)
            allowed = set(self.allowed)
            found = await self._look(session, path)
            # What was valid when it was asked for, or became so before it was answered.
            if found is not None and found not in allowed | self.allowed:
                self._problem(f"{path} shows {found}, and {sorted(allowed | self.allowed)} are allowed")
            await asyncio.sleep(self._rng.uniform(0, 0.02))

    async def _look(self, session: aiohttp.ClientSession, path: str) -> tuple[str, ...] | None:
        """The coins on a page in their order."""
        try:
            async with session.get(self._service.origin + path) as response:
                text = await response.text()
                if response.status != 200:
                    self._problem(f"{path}: {response.status} {text[:200]}")
                    return None
        except aiohttp.ClientError as error:
            self._problem(f"{path}: {error}")
            return None
        self.outcome.answers += 1
        if path == "/v1/prices":
            prices = json.loads(text)["prices"]
            if missing := [one["id"] for one in prices if one["price"] is None]:
                self._problem(f"{path}: no price of {missing}")
            return tuple(one["id"] for one in prices)
        rows = text.split(' data-coin="')[1:]
        return tuple(row.partition('"')[0] for row in rows)

    async def view(self, session: aiohttp.ClientSession, path: str) -> None:
        """Watch a stream, which must not end, nor say what is not allowed."""
        async with session.get(self._service.origin + path, timeout=aiohttp.ClientTimeout(total=None)) as response:
            async for line in response.content:
                if line.startswith(b"data: "):
                    self.outcome.told += 1
                    said = json.loads(line[6:])
                    ids = tuple(one["id"] for one in said["prices"])
                    if said["full"] and path == "/v1/stream" and ids not in self.allowed:
                        self._problem(f"the stream says {ids}, and {sorted(self.allowed)} are allowed")
        self._problem(f"the stream {path} ended")

    def _problem(self, what: str) -> None:
        self.outcome.problems.append(f"edit {self.outcome.edits}: {what}")


async def sit(edits: int, seed: int, where: Path) -> Outcome:
    """So many edits in a folder of their own."""
    rng = random.Random(seed)
    first = (ALWAYS, "ethereum")
    config = write_config(where / "config", {})
    folder = Folder(config, rng)
    (config / "coins.toml").write_text(text_of(first, list(first)), encoding="utf-8")
    markets = {name: {venue.format(one): coin for coin, one in COINS.items()} for name, venue in VENUES.items()}
    simulation = await simulator.start(markets)
    try:
        environ = stand_ins({name: simulation.base_urls[name] for name in VENUES}, "60s")
        async with ticker("run", config=config, environ=environ) as service:
            await service.prices_when(lambda found: all(found[one]["agreement"] == "ok" for one in first))
            sitting = Sitting(service, folder, rng, first)
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                known = ("/v1/stream", f"/v1/stream?coins={','.join(first)}")
                tasks = [asyncio.create_task(sitting.view(session, known[n % 2])) for n in range(VIEWERS)]
                tasks += [asyncio.create_task(sitting.read(session)) for _ in range(READERS)]
                while sitting.outcome.told < VIEWERS:  # noqa: ASYNC110 - another process tells them
                    await asyncio.sleep(0.01)
                try:
                    for _ in range(edits):
                        await sitting.edit()
                except TimeoutError:
                    last = "\n".join(service.log.splitlines()[-5:])
                    sitting.outcome.problems.append(f"edit {sitting.outcome.edits} had no effect:\n{last}")
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
            if "Traceback" in service.log:
                sitting.outcome.problems.append(service.log)
            return sitting.outcome
    finally:
        await simulation.stop()


def main(edits: int = 1000, seed: int = 6) -> int:
    """Sit it, and say what came of it; 0 = all of it held."""
    with tempfile.TemporaryDirectory(prefix="edits-") as where:
        outcome = asyncio.run(sit(edits, seed, Path(where)))
    times = sorted(outcome.shown)
    print(  # noqa: T201
        f"{outcome.edits} edits: {len(times)} valid, {outcome.refused} refused; "
        f"{outcome.answers:,} answers meanwhile, {VIEWERS} viewers told {outcome.told:,} times\n"
        f"from the save until every page shows it: p50 {times[len(times) // 2]:.2f} s, "
        f"p99 {times[int(len(times) * 0.99)]:.2f} s, longest {times[-1]:.2f} s (limit {LIMIT:g} s)\n"
        f"failed, wrong, ended or without a price: {len(outcome.problems)}"
    )
    for problem in outcome.problems[:10]:
        print(problem[:2000])  # noqa: T201
    return 0 if not outcome.problems and times[-1] <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))

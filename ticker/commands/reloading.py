"""The configuration while the service runs: read again when its files change, taken over whole, or refused.

The files are looked at four times a second and whenever someone says so (SIGHUP); what is in them counts once it is
still, so that half a file is never taken over. Knows the parts that take a configuration by a callback each, not what
they do with it.
"""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ticker.config import Config, attempt, load
from ticker.config.changes import changes, in_short
from ticker.config.files import files_of, fingerprint
from ticker.config.held import held
from ticker.errors import ConfigError
from ticker.standing import Standing

log = logging.getLogger("ticker.reloading")

LOOK = 0.25  # seconds between two looks at the files, 0.1 ms each
STILL = 0.25  # seconds in which a file that has changed must not change again
RETRY = 5.0  # seconds after which refused files are judged again: the reason may lie outside of them
MOST_TOLD = 5  # reasons against one configuration in the log; `ticker check` has all

Take = Callable[[Config], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a configuration comes from. `priced` as for `load`."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)  # may hold secrets
    overrides: Mapping[str, object] = field(default_factory=dict, repr=False)
    priced: bool = True

    def load(self) -> Config:
        """The configuration. Raises ConfigError."""
        return load(self.folder, self.environ, self.overrides, priced=self.priced)

    def attempt(self) -> tuple[Config, list[ConfigError]]:
        """The configuration, and every reason against it."""
        return attempt(self.folder, self.environ, self.overrides, priced=self.priced)

    def fingerprint(self) -> bytes:
        """A short name for what is in its files."""
        return fingerprint(files_of(self.folder, self.environ, priced=self.priced))


class Reloader:
    """The configuration in force. Raises ConfigError where there is none to begin with."""

    def __init__(self, origin: Origin, clock: Callable[[], float] = time.time) -> None:
        self._origin, self._clock = origin, clock
        self._judged = origin.fingerprint()  # before it is loaded: what changes meanwhile is seen later
        self.config = origin.load()
        self.standing = Standing(self.config.version, clock())
        self._takers: list[Take] = []
        self._observers: list[Callable[[Standing], None]] = []
        self._asked = asyncio.Event()
        self._judged_at = 0.0

    def subscribe(self, take: Take) -> Callable[[], None]:
        """Call `take` with every other configuration, before it is in force, until what is given is called.

        It should not raise.
        """
        self._takers.append(take)
        return lambda: self._takers.remove(take)

    def observe(self, told: Callable[[Standing], None]) -> None:
        """Call `told` whenever the standing has changed."""
        self._observers.append(told)

    def ask(self) -> None:
        """Look at the files now, and say what came of it even if that is nothing."""
        self._asked.set()

    async def run(self) -> None:
        """Follow the files until cancelled."""
        failed = False
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._asked.wait()
            except TimeoutError:
                pass
            asked = self._asked.is_set()
            self._asked.clear()
            try:
                await self._turn(asked=asked)
                failed = False
            except OSError as error:  # no file handles, no threads
                if not failed:
                    log.warning("cannot look at the configuration: %s; the last one stays, and we look again", error)
                failed = True
            except Exception:
                log.exception("looking at the configuration failed in a way that should not be; the last one stays")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the files, and SIGHUP where there is one, until the block ends."""
        loop, hangup = asyncio.get_running_loop(), getattr(signal, "SIGHUP", None)
        if hangup is not None:
            loop.add_signal_handler(hangup, self.ask)
        following = asyncio.create_task(self.run(), name="reloading")
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait([following])
            if hangup is not None:
                loop.remove_signal_handler(hangup)

    async def _turn(self, *, asked: bool) -> None:
        found = await self._still()
        again = self.standing.refused is not None and time.monotonic() - self._judged_at >= RETRY
        if found == self._judged and not asked and not again:
            return
        config, errors = await asyncio.to_thread(self._origin.attempt)
        if await self._look() != found:
            return  # it is being written to: what was read may be half of it, and the next turn reads it again
        news, self._judged, self._judged_at = found != self._judged, found, time.monotonic()
        if errors:
            self._refuse(errors, told=news or asked)
        else:
            await self._take(config, asked=asked)
        for told in self._observers:
            told(self.standing)

    async def _still(self) -> bytes:
        found = await self._look()
        while found != self._judged:
            await asyncio.sleep(STILL)
            last, found = found, await self._look()
            if last == found:
                break
        return found

    async def _look(self) -> bytes:
        return await asyncio.to_thread(self._origin.fingerprint)  # a file may be far away

    def _refuse(self, errors: list[ConfigError], *, told: bool) -> None:
        reasons, before = tuple(map(str, errors)), self.standing.refused
        if before is not None and before.reasons == reasons and not told:
            return
        self.standing.refuse(reasons, self._clock())
        for reason in reasons[:MOST_TOLD]:
            log.error("%s", reason)
        rest = f"; and {len(reasons) - MOST_TOLD} more, see `ticker check`" if len(reasons) > MOST_TOLD else ""
        log.error("this configuration is refused, and version %s stays in force%s", self.config.version, rest)

    async def _take(self, config: Config, *, asked: bool) -> None:
        new, waiting = held(config, self.config)
        for name in waiting:
            if name not in self.standing.waiting:
                log.warning("%s has changed, which takes effect with the next start", name)
        if new == self.config:
            if self.standing.refused is not None or asked:
                log.info("the configuration is as it was: version %s", new.version)
            self.standing.refused, self.standing.waiting = None, waiting
            return
        for take in [*self._takers]:
            await take(new)
        told = in_short(changes(self.config, new))
        self.config = new
        self.standing.take(new.version, self._clock(), waiting)
        log.info("another configuration is in force, version %s: %s", new.version, told)

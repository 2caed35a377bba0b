"""Where alerts are posted: one address, under deadlines, without redirects, tried again politely.

What is offered is sent in the background, oldest first, and bounded in number: nobody waits for a receiver. Knows no
alert's meaning. The address is a secret, which no log line, error or repr of ours repeats.
"""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import aiohttp
import msgspec
from yarl import URL

from ticker.alerts import Message
from ticker.errors import SourceError, TimedOut
from ticker.outside import client, error_of_failure, error_of_status, guard

log = logging.getLogger("ticker.alerts")

DEADLINE = 10.0  # seconds for one try
PAUSES: Sequence[float] = (5.0, 30.0, 120.0, 600.0)  # seconds before each further try; then it is given up
LONGEST_WAIT = 1800.0  # seconds that a receiver may ask us to wait
MOST_WAITING = 50
NAME = "the webhook"


class Webhook:
    """Posts messages to `url`. `allow_private` lets it be plain http or a host in one's own network."""

    def __init__(
        self,
        url: str,
        *,
        allow_private: bool = False,
        user_agent: str = "ticker",
        instance: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url, self._allow_private, self._instance = url, allow_private, instance
        self._headers = {"User-Agent": user_agent, "Content-Type": "application/json"}
        self._sleep, self._chance = sleep, chance
        self._waiting: deque[Message] = deque()
        self._sending: tuple[Message, ...] = ()
        self._news = asyncio.Event()
        self.sent = self.failed = self.dropped = 0

    def __repr__(self) -> str:
        return "Webhook(***)"

    def offer(self, message: Message) -> None:
        """Send it when it is its turn; the oldest that waits goes where too many do."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1
            log.warning("an alert was dropped: %d others wait for the webhook", MOST_WAITING)
        self._waiting.append(message)
        self._news.set()

    def waiting(self) -> tuple[Message, ...]:
        """What was not sent yet, oldest first; what is being sent at the moment included."""
        return (*self._sending, *self._waiting)

    async def run(self) -> None:
        """Send what is offered, until cancelled. Raises nothing else."""
        async with client(self._headers, allow_private=self._allow_private) as session:
            while True:
                await self._news.wait()
                while self._waiting:
                    self._sending = (self._waiting.popleft(),)
                    try:
                        await self._deliver(session, self._sending[0])
                    except Exception as error:  # a fault of ours costs one alert; its trace may hold the address
                        self.failed += 1
                        log.warning("an alert could not be sent, by a fault of ours: %s", type(error).__name__)
                    self._sending = ()
                self._news.clear()

    async def _deliver(self, session: aiohttp.ClientSession, message: Message) -> None:
        body = payload(message, self._instance)
        for pause in (*PAUSES, None):
            try:
                await self._post(session, body)
            except SourceError as error:
                if error.permanent or pause is None:
                    self.failed += 1
                    # The class's own sentence: a cause may repeat the address, which is a secret.
                    log.warning("an alert could not be sent (%s): %s", error.slug, message.text)
                    return
                wait = min(max(error.retry_after or 0.0, pause * (1 + 0.2 * self._chance())), LONGEST_WAIT)
                log.info("the webhook does not take an alert (%s); trying again in %.0f s", error.slug, wait)
                await self._sleep(wait)
            else:
                self.sent += 1
                return

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> None:
        """One try. Raises `SourceError` and nothing else."""
        try:
            url = URL(self._url, encoded=True)
            guard(NAME, url, allow_private=self._allow_private, secure="https")
            async with asyncio.timeout(DEADLINE):
                async with session.post(url, data=body, allow_redirects=False) as response:
                    if not 200 <= response.status < 300:
                        raise error_of_status(NAME, response.status, response.headers, b"", time.time())
        except TimeoutError as error:
            raise TimedOut(NAME, f"more than {DEADLINE:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise error_of_failure(NAME, error) from None


def payload(message: Message, instance: str) -> bytes:
    """A message as JSON: `text` for receivers such as Slack and Mattermost, and the same in fields for programs."""
    body: Mapping[str, object] = {
        "text": f"ticker: {message.text}",
        "kind": message.kind,
        "state": message.phase,
        "subjects": message.subjects,
        "since": _iso(message.since),
        "at": _iso(message.at),
        "instance": instance,
    }
    return msgspec.json.encode(body)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

"""How much costly work one address may cause: a bucket of tokens each, which fills again as time passes.

Costly is what no ready answer is at hand for: past prices, explanations, variants that nobody asked for lately. What
is ready costs nothing here. Knows no HTTP but whose request is being answered.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar

from aiohttp import web

from ticker.server.addresses import Addresses
from ticker.server.params import RequestError

log = logging.getLogger("ticker.server")

MOST_ADDRESSES = 16_384  # about 3 MB; beyond, the one that was heard of longest ago is forgotten
TELL_EVERY = 600.0  # seconds between two words in the log

answering: ContextVar[web.Request | None] = ContextVar("answering", default=None)


class RateLimit:
    """`per_minute` tokens an address, all of them at first; 0 = no bound. `clock` gives seconds and never goes back.

    This machine and the trusted proxies themselves are spared; behind a proxy that is not trusted all readers are one
    address, since what it says of them could be said by anybody.
    """

    def __init__(self, per_minute: int, addresses: Addresses, clock: Callable[[], float] | None = None) -> None:
        self._most, self._addresses = float(per_minute), addresses
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when that was
        self._told_at = -math.inf

    def __len__(self) -> int:
        return len(self._buckets)

    def charge(self) -> None:
        """One token from whoever is being answered at present. Raises `RequestError` where there is none."""
        request = answering.get()
        if not self._most or request is None:
            return
        transport = request.transport
        if transport is None:
            return
        peer = transport.get_extra_info("peername")
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = self._addresses.reader(peer[0] if isinstance(peer, tuple) else None, forwarded)
        if address is not None:
            self.take(address)

    def take(self, address: str) -> None:
        """One token of this address. Raises `RequestError` with the seconds until there is one again."""
        now = self._clock()
        tokens, since = self._buckets.pop(address, (self._most, now))
        tokens = min(self._most, tokens + (now - since) * self._most / 60)
        self._buckets[address] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        if tokens >= 1:
            return
        if now - self._told_at >= TELL_EVERY:
            self._told_at = now
            log.warning(
                "an address asks for more than costly_per_minute = %.0f; if it is your proxy, name it in "
                "trusted_proxies",
                self._most,
            )
        seconds = math.ceil((1 - tokens) * 60 / self._most)
        message = "too much is being worked out for your address; what others ask for, too, is answered as ever"
        raise RequestError("rate_limited", message, retry_after=max(1, seconds))

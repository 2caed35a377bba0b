"""File handles: as many as the system gives us at the start, and a word in the log when there are none left.

A listening socket without handles is silent: connections wait or are dropped, and nobody is told why. Knows no server.
"""

import asyncio
import errno
import logging
import os
import resource
from typing import Any

log = logging.getLogger("ticker")

SPARE = 256  # handles beside those of viewers: sources, the store, the log, readers who come and go
LOOK_EVERY = 1.0  # seconds


def raise_limit(viewers: int) -> None:
    """Take as many handles as we may have; say where that is too few for so many viewers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        wanted = max(soft, viewers + SPARE)
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (ValueError, OSError) as error:
            log.info("the limit of open files stays as it is: %s", error)
            return
    if soft < viewers + SPARE:
        log.info(
            "%d files may be open at a time, which is less than max_viewers = %d need; raise LimitNOFILE or ulimit -n",
            soft,
            viewers,
        )


async def watch() -> None:
    """Tell once when no handle is left, and once when there is one again; until cancelled."""
    asyncio.get_running_loop().set_exception_handler(_quiet)
    out = False
    while True:
        was, out = out, not _one_left()
        if out and not was:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            log.error("no file handles left (limit %d): new connections wait; raise LimitNOFILE or ulimit -n", limit)
        elif was and not out:
            log.info("there are file handles again")
        await asyncio.sleep(LOOK_EVERY)


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep asyncio from telling of every connection that it cannot accept, with a trace, thousands of times a second.

    Nor does it matter that it would accept again where nobody listens any more: it tries as often, a second later.
    """
    message, error = context.get("message", ""), context.get("exception")
    closed = "_start_serving" in message and isinstance(error, ValueError)
    if not closed and "accept() out of system resource" not in message:
        loop.default_exception_handler(context)


def _one_left() -> bool:
    try:
        os.close(os.dup(2))
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        return False
    return True

"""The log of requests, where ops ask for it: what was asked and how it was answered, and not by whom."""

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from ticker.request_id import CURRENT
from ticker.server.seen import named

LONGEST = 500  # characters of a path with its query


class AccessLog(AbstractAccessLogger):
    """One line an answer: method, path with query, status, bytes, milliseconds. No address, no agent, no referrer."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line, under the name of the request."""
        path = request.raw_path if len(request.raw_path) <= LONGEST else request.raw_path[:LONGEST] + "…"
        token = CURRENT.set(named(request))
        try:
            self.logger.info(
                "%s %s %d %d %.1f ms", request.method, path, response.status, response.body_length, time * 1000
            )
        finally:
            CURRENT.reset(token)

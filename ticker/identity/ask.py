"""Asks sources at once and each of them once, as a poll does: the only part of this package with a network."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from ticker.asking import Assignment, Road
from ticker.errors import Malformed, SourceError
from ticker.fetch import Ask, Fetcher
from ticker.identity.answers import Answer, read
from ticker.model import SourceName
from ticker.sources import Request, Row

T = TypeVar("T")


async def ask_all(assignments: Sequence[Assignment], fetcher: Fetcher) -> dict[SourceName, Answer | SourceError]:
    """One poll of each source, all at once: its answer, or why there is none."""

    async def one(assignment: Assignment) -> Answer:
        ids = [id_ for many in assignment.ids.values() for id_ in many]
        max_body = assignment.source.max_body
        bodies = [await body_of(assignment, request, max_body, fetcher) for request in assignment.source.requests(ids)]
        return read(assignment.source, bodies, ids)

    return await _each(assignments, one)


async def catalogues(
    assignments: Sequence[Assignment], fetcher: Fetcher
) -> dict[SourceName, tuple[Row, ...] | SourceError]:
    """All that each source lists, all at once: its rows, or why there are none. Sources without a list are left out."""

    async def one(assignment: Assignment) -> tuple[Row, ...]:
        catalogue = assignment.source.catalogue()
        if catalogue is None:
            return ()
        body = await body_of(assignment, catalogue.request, catalogue.max_body, fetcher)
        try:
            return tuple(catalogue.parse(body))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed(assignment.source.name, str(error)) from error

    return await _each([each for each in assignments if each.source.catalogue() is not None], one)


async def _each(
    assignments: Sequence[Assignment], ask: Callable[[Assignment], Awaitable[T]]
) -> dict[SourceName, T | SourceError]:
    async def caught(assignment: Assignment) -> T | SourceError:
        try:
            return await ask(assignment)
        except SourceError as error:
            return error

    found = await asyncio.gather(*(caught(assignment) for assignment in assignments))
    return {assignment.source.name: one for assignment, one in zip(assignments, found, strict=True)}


async def body_of(assignment: Assignment, request: Request, max_body: int, fetcher: Road) -> bytes:
    """The answer to one request of a source, whole. Raises `SourceError`."""
    ask = Ask(
        source=assignment.source.name,
        base_url=assignment.base_url,
        path=request.path,
        query=request.query,
        headers={**dict(request.headers), **assignment.headers},
        max_body=max_body,
        content_types=assignment.source.content_types,
        allow_private=assignment.allow_private,
    )
    return (await fetcher.fetch(ask)).body

"""All paths of the application as one resource, so that others can take their place while it runs.

The framework freezes its own table of paths when it starts; this one is looked through by it and may be another one
for the next request. A request that has begun is answered by the doors it came through. Knows no path and no setting.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractMatchInfo
from aiohttp.web_urldispatcher import AbstractResource, AbstractRoute, UrlMappingMatchInfo
from yarl import URL


class Present(AbstractResource):
    """The paths of now."""

    def __init__(self) -> None:
        super().__init__()
        self._table = web.UrlDispatcher()

    def put(self, routes: Iterable[web.AbstractRouteDef]) -> None:
        """Serve these from the next request on, and nothing else."""
        table = web.UrlDispatcher()
        table.add_routes(routes)
        table.freeze()
        self._table = table

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        """As the framework asks: what matches, else the methods that would."""
        found: AbstractMatchInfo = await self._table.resolve(request)
        refusal = found.http_exception
        if refusal is None and isinstance(found, UrlMappingMatchInfo):
            return found, set()
        return None, set(refusal.allowed_methods) if isinstance(refusal, web.HTTPMethodNotAllowed) else set()

    @property
    def canonical(self) -> str:
        """Everything."""
        return "/"

    def raw_match(self, path: str) -> bool:
        """Whether it stands for this path."""
        return path == self.canonical

    def get_info(self) -> Any:  # noqa: ANN401 - the framework's own dictionary of what a resource is
        """What the framework says of a resource."""
        return {"path": self.canonical}

    def url_for(self, **kwargs: str) -> URL:
        """No path of ours has a name."""
        raise NotImplementedError("paths are not made of names here")

    def add_prefix(self, prefix: str) -> None:
        """The application stands alone."""
        raise NotImplementedError("a path in front is the proxy's business")

    def __len__(self) -> int:
        return len(self._table.routes())

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._table.routes())

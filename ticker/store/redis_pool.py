"""The connections to a Redis, which can be let go of while others are asking. Knows nothing of what is asked."""

import asyncio

from redis.asyncio import BlockingConnectionPool


class Pool(BlockingConnectionPool):
    """redis-py's, which hands out connections that are just being closed by its own `disconnect`."""

    async def let_go(self) -> None:
        """Close the connections that nobody uses at the moment. They are taken out before, so nobody is given one.

        One that cannot say goodbye is closed all the same.
        """
        idle, self._available_connections = self._available_connections, []
        await asyncio.gather(*(one.disconnect() for one in idle), return_exceptions=True)

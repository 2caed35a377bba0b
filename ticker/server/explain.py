"""`/v1/explain/{coin}`: the last round of a coin, worked out again from what the store keeps of it.

Read when asked for, once a snapshot; the pages of readers never wait for it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from ticker.consensus.explain import explain
from ticker.consensus.record import Record
from ticker.consensus.settle import Settlement
from ticker.errors import StoreError
from ticker.model import CoinId, Snapshot
from ticker.server.params import RequestError
from ticker.server.views import iso
from ticker.store.base import Publication

TIMES = ("settled_at", "as_of", "waiting_since", "hidden_since")


class Records(Protocol):
    """What keeps the record of the last round: a store, or as much of it as is needed here."""

    async def resume(self) -> Publication | None:
        """The last publication whole. Raises `StoreError`."""
        ...


class _Kept(msgspec.Struct):
    """The part of a poller's state that says how its last round came about."""

    record: Record


class Explainer:
    """Explains coins of the last round; keeps what it worked out until there is a newer snapshot."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = asyncio.Lock()
        self._worked_out: tuple[Snapshot, Record, Settlement] | None = None

    async def explain(self, coin: CoinId, newest: Snapshot) -> bytes:
        """The answer as JSON. Raises `RequestError` for a coin that is not there, or while the store is down."""
        snapshot, record, settlement = await self._last(newest)
        rule = next((one for one in record.rules.coins if one.id == coin), None)
        if rule is None:
            raise RequestError("unknown_coin", f"there is no coin {coin!r} here; see /v1/coins", "coin")
        found = explain(rule, settlement.rounds[coin], record.rules, record.now)
        return msgspec.json.encode({"version": 1, "id": snapshot.id, "coin": coin, **_readable(found)})

    async def _last(self, newest: Snapshot) -> tuple[Snapshot, Record, Settlement]:
        async with self._lock:  # a crowd that asks after a new snapshot reads the store once
            if self._worked_out is None or self._worked_out[0].order < newest.order:
                try:
                    found = await self._records.resume()
                except StoreError as error:
                    raise RequestError("not_ready", "the store does not answer; prices are served on") from error
                if found is None:
                    raise RequestError("not_ready", "no round is on record yet; try again in a moment")
                record = replace(_record(found), quotes=found.quotes)
                self._worked_out = found.snapshot, record, await asyncio.to_thread(record.again)
            return self._worked_out


def _record(found: Publication) -> Record:
    try:
        return msgspec.json.decode(found.memory, type=_Kept).record
    except msgspec.MsgspecError as error:
        raise RequestError("not_ready", "the last round was recorded by another version") from error


def _readable(found: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds as ISO 8601."""
    values = {name: iso(value) if name in TIMES else value for name, value in found.items()}
    values["sources"] = [
        {**one, "as_of": iso(one["as_of"]), "received": iso(one["received"])} for one in found["sources"]
    ]
    return values

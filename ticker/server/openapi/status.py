"""The body of `/v1/status`, in JSON Schema 2020-12. Data only."""

from typing import get_args

from ticker.bulletin import Condition, Switch
from ticker.model import Agreement, Freshness
from ticker.server.openapi.schemas import COUNT, FLAG, MOMENT, TEXT, VERSION, Schema, many, one_of, or_null, record, ref
from ticker.server.status import PROBLEMS, VERDICTS

_NUMBER: Schema = {"type": "number"}
_SECONDS: Schema = {"type": "number", "description": "Seconds."}
_WHEN = or_null(MOMENT)

_CONFIG = record(
    {
        "version": TEXT,
        "loaded_at": _WHEN,
        "refused": or_null(record({"at": MOMENT, "reason": TEXT})),
        "refusals": COUNT,
    },
    "The configuration in use, and the last one that was refused since.",
)
_SERVER = record(
    {
        "instance": TEXT,
        "ticker": TEXT,
        "started_at": MOMENT,
        "uptime": _SECONDS,
        "viewers": COUNT,
        "streams": COUNT,
        "variants": COUNT,
        "requests": COUNT,
        "store": one_of(("up", "down")),
        "config": TEXT,
    },
    "The server that answers.",
)
_POLLER = record(
    {
        "instance": TEXT,
        "ticker": TEXT,
        "started_at": MOMENT,
        "at": MOMENT,
        "age": _SECONDS,
        "gone": FLAG,
        "rounds": record(
            {"count": COUNT, "seconds": _NUMBER, "last_seconds": or_null(_NUMBER), "last_at": _WHEN},
            "Rounds of settling, and the seconds they took.",
        ),
        "late_turns": COUNT,
        "clock_steps": COUNT,
        "clock_offset": or_null(_NUMBER),
        "store_errors": COUNT,
    },
    "The poller that leads, as it last said; `gone` when that is too long ago.",
)
_STREAM = record(
    {
        "connected": FLAG,
        "last_message_at": _WHEN,
        "error": or_null(TEXT),
        "reconnects": COUNT,
        "rows": COUNT,
        "resting": FLAG,
    }
)
_SOURCE = record(
    {
        "name": TEXT,
        "title": TEXT,
        "kind": TEXT,
        "group": TEXT,
        "prices": one_of(("coins", "currencies")),
        "every": _SECONDS,
        "condition": one_of(get_args(Condition)),
        "since": _WHEN,
        "answered_at": _WHEN,
        "age": or_null(_SECONDS),
        "latency": or_null(_SECONDS),
        "failures": COUNT,
        "error": or_null(record({"code": TEXT, "message": TEXT})),
        "outcomes": {"type": "object", "additionalProperties": COUNT},
        "quota": TEXT,
        "budget": many(record({"units": _NUMBER, "per": _SECONDS, "left": _NUMBER})),
        "breaker": one_of(get_args(Switch)),
        "breaker_until": _WHEN,
        "held": or_null(one_of(("breaker", "budget"))),
        "next_turn": _WHEN,
        "stream": or_null(_STREAM),
        "excluded": many(record({"coin": TEXT, "reason": TEXT})),
        "excluded_count": COUNT,
    },
    "One source; `latency` is how long its last answer took, `age` how long ago that was.",
)
_COIN = record(
    {
        "id": ref("CoinId"),
        "name": TEXT,
        "symbol": TEXT,
        "freshness": one_of(get_args(Freshness)),
        "agreement": one_of(get_args(Agreement)),
        "used": COUNT,
        "total": COUNT,
        "as_of": _WHEN,
        "age": or_null(_SECONDS),
        "one_source": FLAG,
    }
)
_ALERT = record({"kind": TEXT, "subject": TEXT, "since": MOMENT, "told_at": _WHEN, "clear_since": _WHEN})

STATUS: Schema = record(
    {
        "version": VERSION,
        "at": MOMENT,
        "verdict": one_of(VERDICTS),
        "problems": many(record({"code": one_of(PROBLEMS), "text": TEXT}), description="Worst first."),
        "server": or_null(_SERVER),
        "poller": or_null(_POLLER),
        "config": _CONFIG,
        "snapshot": or_null(
            record(
                {"id": ref("SnapshotId"), "built_at": MOMENT, "age": _SECONDS, "config": TEXT, "simulated": FLAG},
            )
        ),
        "sources": many(_SOURCE),
        "off": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "Sources that are not asked, and why.",
        },
        "coins": many(_COIN),
        "alerts": many(_ALERT, description="What was told to ops and is not over."),
    },
    "How the service stands: the poller that leads, its sources, every coin, this server.",
)

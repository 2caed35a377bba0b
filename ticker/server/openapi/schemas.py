"""The bodies of the JSON doors, in JSON Schema 2020-12. Data only."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from ticker.currencies import CURRENCIES
from ticker.model import Agreement, Freshness, Kind, Step
from ticker.server.dialect.answers import UNKNOWN
from ticker.server.params import PERIODS, Code

Schema = dict[str, Any]

COIN = "[a-z0-9-]{1,64}"


def ref(name: str) -> Schema:
    """A schema of this file by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(properties: Mapping[str, Schema], about: str = "") -> Schema:
    """An object that has exactly these keys, always."""
    found: Schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"description": about, **found} if about else found


def many(items: Schema, **more: object) -> Schema:
    """A list."""
    return {"type": "array", "items": items, **more}


def some_of(properties: Mapping[str, Schema], *optional: str, about: str = "") -> Schema:
    """An object of these properties, of which some may be missing."""
    found = record(properties, about) if about else record(properties)
    return {**found, "required": [name for name in properties if name not in optional]}


def one_of(values: Iterable[str]) -> Schema:
    """A text out of a few."""
    return {"type": "string", "enum": list(values)}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
NOTHING: Schema = {"type": "null"}
NUMBER = or_null({"type": "number"})
DECIMAL, MOMENT = ref("Decimal"), ref("Moment")
VERSION: Schema = {"type": "integer", "const": 1}

SCHEMAS: dict[str, Schema] = {
    "Decimal": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
        "description": "A number in digits, never in scientific notation.",
        "examples": ["64250.12"],
    },
    "Moment": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        "description": "A moment in UTC.",
    },
    "CoinId": {"type": "string", "pattern": f"^{COIN}$", "examples": ["bitcoin"]},
    "SnapshotId": {"type": "string", "pattern": "^[0-9]+-[0-9]+$", "description": "EPOCH-SEQ; it only grows."},
    "Currency": one_of(CURRENCIES),
    "Text": record(
        {
            "price": {"type": "string", "minLength": 1},
            "short": or_null(TEXT),
            "change": or_null(TEXT),
            "changes": record(dict.fromkeys(PERIODS, or_null(TEXT))),
            "spoken": record(dict.fromkeys(PERIODS, or_null(TEXT))),
            "notes": many(TEXT),
            "why": TEXT,
            "sources": or_null(TEXT),
            "as_of": or_null(TEXT),
        },
        "A price as people of a language write it, and the words that stand beside it on a widget.",
    ),
    "Price": some_of(
        {
            "id": ref("CoinId"),
            "symbol": TEXT,
            "name": TEXT,
            "price": or_null(DECIMAL),
            "currency": ref("Currency"),
            "currency_as_of": or_null(MOMENT),
            "change_1h": or_null(DECIMAL),
            "change_24h": or_null(DECIMAL),
            "change_7d": or_null(DECIMAL),
            "high_24h": or_null(DECIMAL),
            "low_24h": or_null(DECIMAL),
            "volume_24h": or_null(DECIMAL),
            "market_cap": or_null(DECIMAL),
            "freshness": one_of(get_args(Freshness)),
            "agreement": one_of(get_args(Agreement)),
            "confidence": or_null(DECIMAL),
            "sources": record({"used": COUNT, "total": COUNT}),
            "as_of": or_null(MOMENT),
            "live_until": or_null(MOMENT),
            "delayed_until": or_null(MOMENT),
            "gone_at": or_null(MOMENT),
            "clock_suspect": FLAG,
            "text": ref("Text"),
        },
        "text",
        about="The settled price of one coin. What is not known is null; changes are in percent of the currency. "
        "`clock_suspect` is true where the clock of the machine that polls is wrong, and `freshness` therefore not "
        "to be relied on. With `locale` there is `text`.",
    ),
    "Credit": record({"source": TEXT, "text": TEXT, "url": {"type": "string", "format": "uri"}}),
    "Prices": record(
        {
            "version": VERSION,
            "id": ref("SnapshotId"),
            "built_at": MOMENT,
            "currency": ref("Currency"),
            "simulated": FLAG,
            "prices": many(ref("Price")),
            "credits": many(ref("Credit")),
        }
    ),
    "Coins": record(
        {
            "version": VERSION,
            "id": ref("SnapshotId"),
            "coins": many(
                record(
                    {
                        "id": ref("CoinId"),
                        "symbol": TEXT,
                        "name": TEXT,
                        "icon": or_null(TEXT),
                        "link": or_null(TEXT),
                        "shown": FLAG,
                    }
                )
            ),
        }
    ),
    "History": record(
        {
            "version": VERSION,
            "coin": ref("CoinId"),
            "currency": {"type": "string", "const": "usd"},
            "step": one_of(get_args(Step)),
            "from": MOMENT,
            "to": MOMENT,
            "simulated": FLAG,
            "points": many(
                {"type": "array", "prefixItems": [MOMENT, DECIMAL], "items": False, "minItems": 2},
                description="Pairs of moment and price, oldest first.",
            ),
        }
    ),
    "Explanation": record(
        {
            "version": VERSION,
            "id": ref("SnapshotId"),
            "coin": ref("CoinId"),
            "method": {"type": ["string", "integer"]},
            "settled_at": MOMENT,
            "agreement": one_of(get_args(Agreement)),
            "price": or_null(DECIMAL),
            "as_of": or_null(MOMENT),
            "tolerance": DECIMAL,
            "groups": COUNT,
            "agreeing": COUNT,
            "median": or_null(DECIMAL),
            "reach": or_null(DECIMAL),
            "verdict": or_null(one_of(("publish", "wait", "hide"))),
            "verdict_text": or_null(TEXT),
            "waiting_since": or_null(MOMENT),
            "hidden_since": or_null(MOMENT),
            "sources": many(
                record(
                    {
                        "source": TEXT,
                        "kind": or_null(one_of(get_args(Kind))),
                        "group": or_null(TEXT),
                        "price": DECIMAL,
                        "currency": TEXT,
                        "usd": or_null(DECIMAL),
                        "as_of": or_null(MOMENT),
                        "received": MOMENT,
                        "poll": COUNT,
                        "used": FLAG,
                        "reason": or_null(TEXT),
                        "reason_text": or_null(TEXT),
                    }
                )
            ),
            "silent": many(TEXT, description="Sources that are asked and said nothing."),
        },
        "How the price of a coin came about in the last round: every quote, whether it counted, and if not, why.",
    ),
    "Badge": {
        "type": "object",
        "description": "What shields.io draws an endpoint badge from; also for what cannot be shown, with isError.",
        "properties": {
            "schemaVersion": VERSION,
            "label": TEXT,
            "message": {"type": "string", "minLength": 1},
            "color": {"type": "string", "pattern": "^([0-9a-f]{6}|lightgrey)$"},
            "isError": {"type": "boolean", "const": True},
            "cacheSeconds": {"type": "integer", "minimum": 300},
        },
        "required": ["schemaVersion", "label", "message", "color", "cacheSeconds"],
        "additionalProperties": False,
    },
    "Described": record(
        {
            "version": {"type": "string", "const": "1.0"},
            "type": {"type": "string", "const": "rich"},
            "title": TEXT,
            "provider_name": TEXT,
            "provider_url": {"type": "string", "format": "uri"},
            "cache_age": COUNT,
            "width": COUNT,
            "height": COUNT,
            "html": TEXT,
        },
        "oEmbed 1.0: a page of ours as a frame.",
    ),
    "Error": record(
        {"error": record({"code": one_of(get_args(Code)), "message": TEXT, "param": or_null(TEXT)})}, "A refusal."
    ),
    "DialectError": {
        "description": "A refusal in CoinGecko's shapes.",
        "oneOf": [
            record({"error": TEXT}),
            record({"status": record({"error_code": {"type": "integer"}, "error_message": TEXT})}),
        ],
    },
    "SimplePrice": {
        "type": "object",
        "description": "By coin, in each currency: CODE, CODE_market_cap, CODE_24h_vol, CODE_24h_change.",
        "additionalProperties": {
            "type": "object",
            "properties": {"last_updated_at": or_null({"type": "integer"})},
            "patternProperties": {
                f"^({'|'.join(CURRENCIES)})(_market_cap|_24h_vol|_24h_change)?$": NUMBER,
            },
            "additionalProperties": False,
        },
    },
    "Market": {
        "type": "object",
        "description": "A coin with what is known of it; what no source of ours tells is null.",
        "properties": {
            "id": ref("CoinId"),
            "symbol": TEXT,
            "name": TEXT,
            "image": {"type": "string", "format": "uri"},
            **dict.fromkeys(
                (
                    "current_price",
                    "market_cap",
                    "total_volume",
                    "high_24h",
                    "low_24h",
                    "price_change_24h",
                    "price_change_percentage_24h",
                ),
                NUMBER,
            ),
            **dict.fromkeys(UNKNOWN, NOTHING),
            "last_updated": or_null(MOMENT),
            "sparkline_in_7d": record({"price": many({"type": "number"})}),
        },
        "patternProperties": {"^price_change_percentage_(1h|24h|7d|14d|30d|200d|1y)_in_currency$": NUMBER},
        "required": ["id", "symbol", "name", "image", "current_price", "market_cap", "last_updated"],
        "additionalProperties": False,
    },
    "ListedCoin": {
        "type": "object",
        "properties": {
            "id": ref("CoinId"),
            "symbol": TEXT,
            "name": TEXT,
            "platforms": {"type": "object", "maxProperties": 0},
        },
        "required": ["id", "symbol", "name"],
        "additionalProperties": False,
    },
}


def _refusal(about: str, schema: str = "Error") -> Schema:
    return {"description": about, "content": {"application/json": {"schema": ref(schema)}}}


_REFUSALS = {
    "BadRequest": "A parameter is wrong, or too much is asked for.",
    "Forbidden": "This is shown on the machine itself alone.",
    "NotFound": "There is no such coin, or nothing at all.",
    "TooLong": "The request line is too long.",
    "TooMany": "Too many ask for this at the moment.",
    "Internal": "A fault of ours.",
    "NotReady": "No prices have been settled yet.",
    "Busy": "No prices have been settled yet, or as many watch live as this server takes.",
}
RESPONSES: dict[str, Schema] = {
    **{name: _refusal(about) for name, about in _REFUSALS.items()},
    **{f"Dialect{name}": _refusal(about, "DialectError") for name, about in _REFUSALS.items()},
    "DialectMissing": _refusal("A parameter is missing.", "DialectError"),
}

"""The doors of the JSON: their parameters and their answers. Data only; the bounds are those the code checks with."""

from collections.abc import Sequence
from typing import Any

from ticker.currencies import CURRENCIES
from ticker.server.dialect import asks
from ticker.server.oembed import LEAST
from ticker.server.openapi.schemas import COIN, FLAG, TEXT, Schema, many, one_of, record, ref
from ticker.server.params import JSON_COINS, PERIODS, THEMES
from ticker.store.base import SECONDS

_ERRORS = {"400": "BadRequest", "404": "NotFound", "414": "TooLong", "500": "Internal", "503": "NotReady"}


def _given(name: str, schema: Schema, about: str, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": about, "schema": schema}


def _coins(most: int, *others: str) -> Schema:
    listed = f"{COIN}(,{COIN}){{0,{most - 1}}}"
    return {"type": "string", "pattern": f"^({'|'.join((*others, listed))})$"}


_COIN = {"name": "coin", "in": "path", "required": True, "description": "A coin's id.", "schema": ref("CoinId")}
_CURRENCY = _given("currency", ref("Currency"), "What prices are counted in; the operator's choice if left out.")
_LIMIT = _given("limit", {"type": "integer", "minimum": 1, "maximum": JSON_COINS}, "At most so many coins.")
_COINS = _given("coins", _coins(JSON_COINS, "all"), "Ids with commas between them, or all; else the default list.")
_LOCALE_TAG: Schema = {"type": "string", "examples": ["en", "de", "pt-BR"]}
_PIXELS: Schema = {"type": "integer", "minimum": LEAST, "maximum": 9999}
_LOCALE = _given("locale", _LOCALE_TAG, "A language of the CLDR: each Price says itself in it, in `text`.")
_TIME: Schema = {"type": "string", "examples": ["2026-11-22", "2026-11-22T21:00:00Z"]}


def _get(
    operation: str, summary: str, content: Schema, parameters: Sequence[Schema] = (), **errors: str | None
) -> dict[str, Any]:
    """One GET: its body, and its refusals by status; an error given as None cannot happen there."""
    refusals = {**_ERRORS, **{status.lstrip("s"): name for status, name in errors.items()}}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {
                "200": {"description": "As asked for.", "headers": _HEADERS, "content": content},
                "304": {"description": "The reader has it, by the ETag in If-None-Match."},
                **{
                    status: {"$ref": f"#/components/responses/{name}"}
                    for status, name in sorted(refusals.items())
                    if name is not None
                },
            },
        }
    }


_HEADERS = {
    "Cache-Control": {"schema": TEXT},
    "ETag": {"schema": TEXT, "description": "Of this body in this encoding; ask again with If-None-Match."},
}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def paths() -> dict[str, Any]:
    """Our own JSON, and what stands beside it."""
    return {
        "/v1/prices": _get(
            "prices", "Prices of many coins.", _json(ref("Prices")), (_COINS, _LIMIT, _CURRENCY, _LOCALE)
        ),
        "/v1/prices/{coin}": _get(
            "price", "The price of one coin.", _json(ref("Prices")), (_COIN, _LIMIT, _CURRENCY, _LOCALE)
        ),
        "/v1/coins": _get("coins", "Every coin.", _json(ref("Coins")), s400=None),
        "/v1/history/{coin}": _get(
            "history",
            "Past prices of one coin, in US dollars.",
            _json(ref("History")),
            (
                _COIN,
                _given("step", one_of(SECONDS), "A point a minute, an hour or a day; 1h if left out."),
                _given("from", _TIME, "The first moment, ISO 8601, UTC where no zone is named."),
                _given("to", _TIME, "The last moment; now if left out. At most 1,500 points are between them."),
                _given("currency", {"type": "string", "const": "usd"}, "What is kept is in dollars."),
            ),
            s429="TooMany",
        ),
        "/v1/explain/{coin}": _get(
            "explain", "How the price of a coin came about.", _json(ref("Explanation")), (_COIN,), s400=None
        ),
        "/v1/stream": _stream(),
        "/v1/openapi.json": _get("openapi", "This description.", _json({"type": "object"}), s400=None, s503=None),
        "/oembed": _get(
            "oembed",
            "A page of ours, described for who wants to embed it.",
            _json(ref("Described")),
            (
                _given("url", TEXT, "The address of a page under /embed/ here.", required=True),
                _given("maxwidth", _PIXELS, "The most pixels there are for it."),
                _given("maxheight", _PIXELS, "So in height."),
                _given("format", one_of(("json",)), "XML is not spoken here: 501."),
            ),
        ),
        "/badge/{coin}.json": _badge(),
        "/healthz": _plain("healthz", "Whether the process lives."),
        "/readyz": _plain("readyz", "Whether there are prices to serve.", s503="NotReady"),
    }


def status_path() -> dict[str, Any]:
    """How the service stands; only there where ops let somebody see it."""
    errors = {**dict.fromkeys(("s400", "s404", "s503")), "s403": "Forbidden"}
    door = _get("status", "How the service stands.", _json(ref("Status")), (), **errors)
    return {"/v1/status": _uncached(door)}


def _stream() -> dict[str, Any]:
    door = _get(
        "stream",
        "Prices as they change, as server-sent events: `id: EPOCH-SEQ`, `event: prices`, `data:` a JSON object with "
        "`id`, `full` (whether all asked-for prices are in it) and `prices`, a list of Price; with `locale` each has "
        "`text` as well, written for people.",
        {"text/event-stream": {"schema": TEXT}},
        (_COINS, _CURRENCY, _LOCALE),
        s503="Busy",
    )
    return _uncached(door)


def _badge() -> dict[str, Any]:
    """It answers 200 to everything, so nothing that it is asked for is wrong."""
    parameters = (
        {**_COIN, "schema": TEXT},
        _given("currency", TEXT, "What the price is counted in, such as eur."),
        _given("locale", TEXT, "How it is written, such as pt-BR."),
        _given("theme", TEXT, f"For the image alone: {', '.join(THEMES)}."),
        _given("change", TEXT, f"Over what time: {', '.join(PERIODS)}."),
        _given("show", TEXT, "Some of logo, name, symbol, price, change, with commas."),
    )
    none = dict.fromkeys(("s400", "s404", "s414", "s500", "s503"))
    return _get("badge", "One coin for shields.io's endpoint badge.", _json(ref("Badge")), parameters, **none)


def _plain(operation: str, summary: str, s503: str | None = None) -> dict[str, Any]:
    door = _get(operation, summary, {"text/plain": {"schema": TEXT}}, s400=None, s404=None, s500=None, s503=s503)
    return _uncached(door)


def _uncached(door: dict[str, Any]) -> dict[str, Any]:
    """The same without what has to do with ETags."""
    del door["get"]["responses"]["304"], door["get"]["responses"]["200"]["headers"]
    return door


def dialect_paths() -> dict[str, Any]:
    """The CoinGecko dialect."""
    codes = {"type": "string", "minLength": 1, "examples": ["usd", "usd,eur"]}
    precision = _given("precision", one_of(asks.PRECISIONS), "Decimal places of prices; all there are if left out.")
    platform = _given("include_platform", FLAG, "Adds an empty `platforms`.")
    listed: Schema = {"type": "string", "pattern": f"^[^,]*(,[^,]*){{0,{asks.MOST_COINS - 1}}}$"}
    lookups = (
        _given("ids", listed, f"Ids with commas between them, at most {asks.MOST_COINS}."),
        _given("names", listed, "Names, where there are no ids."),
        _given("symbols", listed, "Symbols, where there are neither."),
    )
    periods = "|".join(asks.PERIODS)
    return {
        "/api/v3/ping": _dialect("ping", "Whether there is somebody.", record({"gecko_says": TEXT}), s400=None),
        "/api/v3/simple/price": _dialect(
            "simplePrice",
            "Prices of some coins in some currencies.",
            ref("SimplePrice"),
            (
                _given("vs_currencies", codes, "Currencies with commas between them.", required=True),
                *lookups,
                *(_given(f"include_{one}", FLAG, "") for one in ("market_cap", "24hr_vol", "24hr_change")),
                _given("include_last_updated_at", FLAG, ""),
                precision,
            ),
            s422="DialectMissing",
        ),
        "/api/v3/simple/supported_vs_currencies": _dialect(
            "supportedCurrencies", "What prices can be counted in.", many(ref("Currency")), s400=None
        ),
        "/api/v3/coins/list": _dialect(
            "listedCoins",
            "Every coin.",
            many(ref("ListedCoin")),
            (platform, _given("status", one_of(("active", "inactive")), "None is inactive.")),
        ),
        "/api/v3/coins/markets": _dialect(
            "markets",
            "A page of coins with what is known of them.",
            many(ref("Market"), maxItems=asks.MOST_PER_PAGE),
            (
                _given("vs_currency", one_of(CURRENCIES), "What all of it is counted in.", required=True),
                *lookups,
                _given("include_tokens", one_of(("top", "all")), "With `all`, a shared symbol is all its coins."),
                _given("order", one_of(asks.ORDERS), "By what, and which way."),
                _given("per_page", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "250 at most."),
                _given("page", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "From 1."),
                _given("sparkline", FLAG, "Adds `sparkline_in_7d`."),
                _given(
                    "price_change_percentage",
                    {"type": "string", "pattern": f"^({periods})(,({periods})){{0,6}}$"},
                    "Adds `price_change_percentage_PERIOD_in_currency`.",
                ),
                precision,
            ),
            s422="DialectMissing",
        ),
    }


def _dialect(
    operation: str, summary: str, schema: Schema, parameters: Sequence[Schema] = (), **errors: str | None
) -> dict[str, Any]:
    parameters = [one if one["required"] else {**one, "allowEmptyValue": True} for one in parameters]  # as if left out
    ours = {f"s{status}": f"Dialect{name}" for status, name in _ERRORS.items()}
    return _get(f"dialect{operation[0].upper()}{operation[1:]}", summary, _json(schema), parameters, **ours | errors)

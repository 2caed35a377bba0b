"""Mutated answers over every parser: nothing but our own errors escapes, nothing outside the schema is accepted.

Parsers are those of every source, of the three streams, and of sources that are described in the configuration. Seeds
are the payloads of every source and small cuts of recorded answers; most cases change the tree of the JSON, the
others bytes. `python tests/exam/fuzz.py 1000000` runs on all cores and prints what came of them; every case can be had
again from the seed and the number of its chunk.
"""

import json
import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from source_tables import IDS, PAYLOADS

from ticker.errors import SourceError
from ticker.model import Quote
from ticker.sources import REGISTRY, Row, heard, quotes
from ticker.sources.base import HIGHEST_PRICE, LOWEST_PRICE
from ticker.sources.jsonsource import Spec, make

RECEIVED = 1_790_000_030.0
CHUNK = 2_500
LARGEST_SEED = 6_000  # bytes; larger recordings are cut to a few rows
ROWS = 4

WORDS = r"""
null true false NaN Infinity -Infinity 1e400 1e99 -1e99 1e-99 0 -0 -1 0.0 00 01 0x10 1_000 1, .5 5. +5 e5
"" "null" "NaN" "Infinity" "1e400" "1_000" "0x1F" "-5" "+5" "1,5" [] {} [[]] {"a":1} \u0000 \ud800
" [ ] { } : , \ // /* <html> <!DOCTYPE <!ENTITY &x; ]]> 18446744073709551616
"""
TOKENS: tuple[bytes, ...] = (
    *(word.encode() for word in WORDS.split()),
    *(b'" 5"', b'"5 "', "٣٤".encode(), b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xe9", b"\xc0\x80"),
    *(b"9" * 400, b"[" * 2_000, b"1" * 70),
)

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, -(10**30), 1e99, 5e-324, "", "null", "NaN", "Infinity", "-Infinity", "1e400",
    "1e-400", "1e99", "1_000", "0x10", "٣٤", "-5", "0", "0.00000000", " 5", "5e5", "1" * 65, "1" * 64,
    "999999999999999", "1000000000000001", "0.000000000000000000000001",
    "\x00", "\ud800", [], {}, [None], {"a": 1}, [[[]]], "ok", "error",
    1_800_000_000, 1_800_000_000_000, "1800000000", "2026-11-22T00:00:00Z", "0000-00-00T00:00:00Z", "99999-01-01",
)  # fmt: skip


@dataclass
class Outcome:
    """What came of so many cases."""

    cases: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Put another one's on top."""
        self.cases += other.cases
        self.counts += other.counts
        self.accepted += other.accepted
        self.broken += other.broken[:20]


OWN = {
    "own": Spec(
        url="https://api.example.org/v1/openvc", price="data.price", currency="usd", time="at", time_unit="iso"
    ),
    "own rows": Spec(url="https://api.example.org/all", price="last", currency="tether", rows="data", id="pair"),
    "own keyed": Spec(url="https://api.example.org/all", price="usd", currency="usd", rows="@", change="day"),
}
OWN_SAID = {
    "own": b'{"data": {"price": "0.0021"}, "at": "2026-11-22T00:00:00Z"}',
    "own rows": b'{"data": [{"pair": "EXAMPLE", "last": 12.5}, {"pair": "OTHER", "last": "3"}]}',
    "own keyed": b'{"EXAMPLE": {"usd": 65280, "day": -1.5}, "OTHER": {"usd": 1950}}',
}
SOURCES = {**REGISTRY, **{name: make(name.replace(" ", ""), spec) for name, spec in OWN.items()}}
STREAM = " stream"


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """(source, body): every payload, and what recordings there are, cut to a few rows."""
    found = [(path.stem, path.read_bytes()) for path in sorted(PAYLOADS.iterdir()) if path.stem in REGISTRY]
    found += OWN_SAID.items()
    for path in sorted((PAYLOADS / "streams").iterdir()):
        found += [(path.stem + STREAM, line) for line in path.read_bytes().splitlines()]
    folder = Path(os.environ.get("RECORDINGS_DIR", "nowhere"))
    for name in REGISTRY:
        for path in sorted((folder / name).glob("*.*")) if (folder / name).is_dir() else ():
            body = path.read_bytes()
            if len(body) > LARGEST_SEED and path.suffix == ".json":
                body = json.dumps(_cut(json.loads(body), set(IDS[name].values()))).encode()
            if len(body) <= LARGEST_SEED:
                found.append((name, body))
    return tuple(found)


def _cut(node: Any, ids: set[str]) -> Any:
    """A tree with the rows of our ids and a few others."""
    if isinstance(node, list):
        ours = [one for one in node if isinstance(one, dict | list) and ids & set(map(str, _scalars(one)))]
        return [_cut(one, ids) for one in (*ours[:ROWS], *node[:ROWS])] if len(node) > 2 * ROWS else node
    if isinstance(node, dict):
        keys = list(node)
        if len(keys) > 40:
            keys = [*[key for key in keys if key in ids][:ROWS], *keys[:ROWS]]
        return {key: _cut(node[key], ids) for key in keys}
    return node


def _scalars(node: Any) -> Iterator[Any]:
    """The scalars one level deep."""
    return (one for one in (node.values() if isinstance(node, dict) else node) if isinstance(one, str | int))


@cache
def ids_of(source: str) -> Mapping[str, tuple[str, ...]]:
    """Every coin that our tests know on a source, and its example."""
    if source in OWN:
        return {"example": ("EXAMPLE",), "other": ("OTHER",)}
    known = {coin: (one,) for coin, one in IDS[source].items()}
    return known | {"example": (REGISTRY[source].id_example,)}


@cache
def tree_of(number: int) -> tuple[Any, tuple[tuple[Any, Any], ...]] | None:
    """A seed's JSON and all places in it as (container, key); None where it is no JSON."""
    try:
        tree = json.loads(seeds()[number][1])
    except ValueError:
        return None
    places: list[tuple[Any, Any]] = []
    todo = [tree]
    while todo:
        node = todo.pop()
        inner = _inner(node)
        places += [(node, key) for key, _ in inner]
        todo += [value for _, value in inner]
    return (tree, tuple(places)) if places else None


def _inner(node: Any) -> list[tuple[Any, Any]]:
    """(key, value) of all that a tree's node holds."""
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


def mutated_bytes(body: bytes, rng: random.Random) -> bytes:
    """Bytes changed, dropped, doubled, swapped with those of another answer, or replaced by a token."""
    found = bytearray(body)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not found:
            break
        at = rng.randrange(len(found))
        end = min(len(found), at + rng.choice((0, 1, 1, 2, 5, 20, 200)))
        match rng.randrange(7):
            case 0:
                found[at] = rng.randrange(256)
            case 1:
                del found[at:end]
            case 2:
                found[at:at] = found[at:end]
            case 3 | 4:
                found[at:end] = rng.choice(TOKENS)
            case 5:
                del found[at:]
            case _:
                other = seeds()[rng.randrange(len(seeds()))][1]
                start = rng.randrange(len(other) or 1)
                found[at:end] = other[start : start + 60]
    return bytes(found)


def mutated_tree(number: int, rng: random.Random) -> bytes | None:
    """One to three places of the JSON with another value, another name, none, or one more around it."""
    held = tree_of(number)
    if held is None:
        return None
    tree, places = held
    undo = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        node, key = places[rng.randrange(len(places))]
        if isinstance(node, dict):
            undo.append((node, dict(node)))
        else:
            undo.append((node, list(node)))
        if (key not in node) if isinstance(node, dict) else key >= len(node):
            continue
        action = rng.randrange(6)
        if action == 0 and isinstance(node, dict):
            node[rng.choice(("x", key.upper(), key + "_", ""))] = node.pop(key)
        elif action == 1:
            del node[key]
        elif action == 2:
            node[key] = rng.choice(([node[key]], {"value": node[key]}, str(node[key])))
        elif action == 3 and isinstance(node, list):
            node.append(node[key])
        else:
            node[key] = rng.choice(VALUES)
    try:
        text = json.dumps(tree)
    finally:
        for node, was in reversed(undo):
            node.clear()
            if isinstance(node, dict):
                node.update(was)
            else:
                node.extend(was)
    body = text.encode()
    if rng.random() < 0.1:  # a key twice, which no tree can hold
        cut = text.find('": ', rng.randrange(len(text)))
        body = (text[: cut + 3] + json.dumps(rng.choice(VALUES)) + "," + text[text.rfind('"', 0, cut) :]).encode()
    return body


FIGURES = ("change_1h", "change_24h", "change_7d", "high_24h", "low_24h", "volume_24h", "market_cap")


def wrong(said: Quote | Row) -> str | None:
    """What is wrong with what was accepted; None for nothing."""
    price = said.price
    if type(price) is not Decimal or not price.is_finite() or not LOWEST_PRICE <= price <= HIGHEST_PRICE:
        return f"price {price!r}"
    if said.currency not in ("usd", "tether", "usd-coin"):
        return f"currency {said.currency!r}"
    if said.at is not None and (type(said.at) is not float or not math.isfinite(said.at)):
        return f"time {said.at!r}"
    for name in FIGURES:
        value = getattr(said, name)
        if value is not None and (type(value) is not Decimal or not value.is_finite()):
            return f"{name} {value!r}"
    for name in ("name", "symbol"):
        value = getattr(said, name)
        if value is not None and type(value) is not str:
            return f"{name} {value!r}"
    return None


def misnamed(quote: Quote, source: str) -> str | None:
    """Whether a quote is under another name than it was asked for."""
    identity = (quote.source, quote.coin in ids_of(source), quote.poll, quote.received)
    return None if identity == (SOURCES[source].name, True, 1, RECEIVED) else f"identity {identity}"


def chunk(seed: int, number: int, cases: int) -> Outcome:
    """So many cases of one chunk; the same seed and number give the same cases."""
    rng, found = random.Random(f"{seed}/{number}"), Outcome()
    for _ in range(cases):
        place = rng.randrange(len(seeds()))
        source, body = seeds()[place]
        bent = mutated_tree(place, rng) if rng.random() < 0.7 else None
        _judge(source, mutated_bytes(body, rng) if bent is None else bent, found)
    return found


def _judge(source: str, body: bytes, found: Outcome) -> None:
    found.cases += 1
    try:
        reasons = list(_streamed(source, body) if source.endswith(STREAM) else _answered(source, body))
    except SourceError as error:
        found.counts[error.slug] += 1
        return
    except Exception as error:  # whatever it is, it must not be
        found.counts["escaped"] += 1
        found.broken.append(f"{source}: {type(error).__name__}: {error}: {body[:400]!r}")
        return
    found.counts["read" if reasons else "read, without a price"] += 1
    found.accepted += len(reasons)
    for reason in filter(None, reasons):
        found.counts["outside the schema"] += 1
        found.broken.append(f"{source}: {reason}: {body[:400]!r}")


def _answered(source: str, body: bytes) -> Iterator[str | None]:
    """What is wrong with each quote of an answer."""
    read = quotes(SOURCES[source], [body], ids_of(source), received=RECEIVED, poll=1)
    return (wrong(quote) or misnamed(quote, source) for quote in read)


def _streamed(source: str, body: bytes) -> Iterator[str | None]:
    """What is wrong with each row of a streamed message."""
    name = source.removesuffix(STREAM)
    stream = REGISTRY[name].stream
    assert stream is not None
    return (wrong(row) for row in heard(name, stream, body))


def run(cases: int, seed: int = 2026, processes: int | None = None) -> Outcome:
    """So many cases, on all cores unless told."""
    chunks = [(seed, number, min(CHUNK, cases - start)) for number, start in enumerate(range(0, cases, CHUNK))]
    total = Outcome()
    if processes == 1:
        for one in chunks:
            total.add(chunk(*one))
        return total
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        for outcome in pool.map(chunk, *zip(*chunks, strict=True)):
            total.add(outcome)
    return total


def report(outcome: Outcome, seconds: float) -> str:
    """What came of it, in lines."""
    counts = ", ".join(f"{name} {count:,}" for name, count in outcome.counts.most_common())
    escaped, outside = outcome.counts["escaped"], outcome.counts["outside the schema"]
    parsers = len({source for source, _ in seeds()})
    return (
        f"{outcome.cases:,} mutated answers to {parsers} parsers from {len(seeds())} seeds in {seconds:.0f} s "
        f"({outcome.cases / seconds:,.0f} a second)\n{counts}\n"
        f"exceptions that escaped: {escaped}; quotes accepted: {outcome.accepted:,}, outside the schema: {outside}"
    )


def main() -> None:
    """Fuzz as often as the first argument says; exit code 1 where anything is wrong."""
    started = time.monotonic()
    outcome = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    sys.stdout.write(report(outcome, time.monotonic() - started) + "\n")
    for line in outcome.broken[:20]:
        sys.stdout.write(f"  {line}\n")
    sys.exit(1 if outcome.broken else 0)


if __name__ == "__main__":
    main()

"""How often the service is asked when thousands of readers come at once through a cache: nginx with proxy_cache.

    make bench-cdn                 (or: PYTHONPATH=tests:. python tests/bench/cdn.py [READERS [ROUNDS]])

Two contestants take turns: deploy/nginx/ticker.conf as it stands, and the same with nothing but `proxy_cache`, which is
what one would write first. One line is not as it stands: a reader has a minute to ask, not ten seconds, since a busy
machine may take that long to connect them all. READERS (5,000) connections are opened and then all ask for the list at
once, with ten ways of writing Accept-Encoding: to an empty cache; again when what is in it has just expired; and for
another page, expired as well, when the service is gone. Counted are requests that reach the service, answers other than
200, and the time until the last reader has its answer, which on one machine is mostly the readers' own. Exit code 1
where with our file the service is asked more than once for each of the three variants, or anybody is not answered with
200.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import results
from crowd import Told, crowd
from nginx_example import front
from origin import Origin

LIST, OTHER = "/prices/widget/list", "/prices/widget/table"
FRESH = 10.0  # seconds that a cache may keep an answer: s-maxage
VARIANTS = 3
OURS, PLAIN = "ticker behind deploy/nginx/ticker.conf", "nginx, proxy_cache alone"
LEFT_OUT = (
    "proxy_cache_lock",
    "proxy_cache_min_uses",
    "proxy_cache_background_update",
    "proxy_cache_use_stale",
    "proxy_cache_revalidate",
    "proxy_cache_key",
    "proxy_ignore_headers",
    "proxy_set_header Accept-Encoding",
)


def patient(text: str) -> str:
    """The file with time for readers to ask."""
    return text.replace("client_header_timeout       10s;", "client_header_timeout       60s;")


def alone(text: str) -> str:
    """The file with nothing but a cache."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.strip().startswith(LEFT_OUT)).replace(
        "proxy_cache ticker;", "proxy_cache ticker; proxy_set_header Accept-Encoding $http_accept_encoding;"
    )


Figures = dict[tuple[str, str], float]


async def round_of(folder: Path, readers: int, edit: Callable[[str], str]) -> Figures:
    """One cold cache, its expiry, and the service gone: (case, metric) to figure."""
    found: Figures = {}

    async def come(case: str, port: int, path: str) -> list[Told]:
        origin.hits.clear()
        began = time.monotonic()
        told = await crowd(port, path, readers)
        found[case, "all answered"] = time.monotonic() - began
        await asyncio.sleep(1.0)  # what nginx asks in the background
        found[case, "origin hits"] = sum(origin.hits.values())
        found[case, "not 200"] = sum(one.status != 200 for one in told)
        return told

    origin = Origin()
    await origin.start()
    try:
        with front(folder, origin.port, connections=16_384, edit=lambda text: edit(patient(text))) as nginx:
            await come("empty cache", nginx.plain, LIST)
            await come("empty cache", nginx.plain, OTHER)
            await asyncio.sleep(FRESH + 1)
            await come("expired", nginx.plain, LIST)
            await origin.stop()
            await come("service gone", nginx.plain, OTHER)
    finally:
        await origin.stop()
    return found


async def measure(readers: int, rounds: int) -> bool:
    """Measure in turn, keep it, and judge."""
    figures: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    contestants: list[tuple[str, Callable[[str], str]]] = [(OURS, str), (PLAIN, alone)]
    for number in range(rounds):
        for who, edit in contestants if number % 2 else contestants[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                for (case, metric), figure in (await round_of(Path(folder), readers, edit)).items():
                    figures[case, who, metric].append(figure)
            sys.stdout.write(f"round {number + 1} of {who}\n")
            sys.stdout.flush()
    units = {"origin hits": "requests", "not 200": "answers", "all answered": "s"}
    cases = [
        results.case(f"{readers} readers, {case}", who, metric, units[metric], several)
        for (case, who, metric), several in figures.items()
    ]
    for one in cases:
        sys.stdout.write(f"{one.case:<28} {one.contestant:<40} {one.metric:<14} {one.median:>8g} {one.unit}\n")
    note = (
        f"{readers:,} connections at once, ten ways of writing Accept-Encoding, {rounds} rounds in turn; readers, "
        f"nginx and service on one machine; load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    )
    results.save("cdn", f"python tests/bench/cdn.py {readers} {rounds}", note, cases)
    ours = [one for one in cases if one.contestant == OURS]
    return all(max(one.rounds) <= {"origin hits": VARIANTS, "not 200": 0}.get(one.metric, 60) for one in ours)


def main(arguments: list[str]) -> int:
    """0 = good enough."""
    readers, rounds = [*map(int, arguments), *(5_000, 5)[len(arguments) :]]
    if not (10 <= readers <= 10_000 and 1 <= rounds <= 20):
        raise SystemExit("from 10 to 10,000 readers, and from 1 to 20 rounds")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 0 if asyncio.run(measure(readers, rounds)) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

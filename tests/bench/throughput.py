"""Requests a second and p99 of widget, JSON and 304, against nginx serving the same bytes as files, and against others.

    PYTHONPATH=tests:. python tests/bench/throughput.py [ROUNDS [SECONDS [ONLY]]]

wrk with 64 connections on one core, the server on another. Once with wrk's bare headers, once with the full set that
Chrome sends, where the body is the one a browser gets: compressed. In each round every server has its turn, in an order
that turns round every time. nginx serves the very bytes that ours does, from files, with as many headers; its 304 is by
its own ETag. p99 is taken at equal load, far below what either can do. ONLY is a part of a server's name: those alone.

Needs wrk and nginx; webdis (with redis-server) is measured where it is installed, Flask and gunicorn where the extra
`bench` is, as `make bench-throughput` sees to. Speaks to this machine alone. Exit code 1 where ours is slower than
nginx, or its p99 more than 1.5 times as long.
"""

import http.client
import importlib.util
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import results
from service import free_port

HERE = Path(__file__).parent
CONNECTIONS = 64
EQUAL = 4000  # requests a second, for p99
SERVER_CORE, LOAD_CORE = "0", "1"
PATIENCE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"requests": "1/s", "CPU a request": "us"}

CHROME = {
    "Connection": "keep-alive",
    "sec-ch-ua-platform": '"Windows"',
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "Accept": "*/*",
    "Origin": "https://blog.example",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Referer": "https://blog.example/",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
}
SETS: Mapping[str, Mapping[str, str]] = {"bare headers": {}, "Chrome's headers": CHROME}
PATHS = {"widget": "/widget/list", "JSON": "/v1/prices"}


@dataclass
class Rival:
    """A server: its port, the paths of what it can do, and which headers it gets instead of a browser's."""

    name: str
    port: int
    process: int
    paths: dict[tuple[str, str], str]  # by what is asked for and the set of headers
    tags: dict[tuple[str, str], str] = field(default_factory=dict)

    def headers(self, what: str, of: str) -> dict[str, str]:
        """What it is asked with."""
        given = dict(SETS[of])
        if what.startswith("304"):
            given["If-None-Match"] = self.tags[what, of]
        return given


def answer(port: int, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """One answer: status, headers, body as it is on the wire."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        found = connection.getresponse()
        return found.status, dict(found.getheaders()), found.read()
    finally:
        connection.close()


def wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} has ended with {process.returncode}")
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} does not listen")


@contextmanager
def started(command: list[str], port: int) -> Iterator[int]:
    """A server on its core, until the end, by the number of its process."""
    environ = {**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE.parents[1]}", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], env=environ, stderr=subprocess.DEVNULL)
    try:
        wait(port, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def python(name: str, title: str, stack: ExitStack, whats: tuple[str, ...]) -> Rival:
    """One of `rivals`."""
    port = free_port()
    process = stack.enter_context(started([sys.executable, str(HERE / "rivals.py"), name, str(port)], port))
    found = Rival(
        title, port, process, {(what, of): PATHS[what.removeprefix("304, ")] for what in whats for of in SETS}
    )
    for what, of in found.paths:
        if what.startswith("304"):
            _, headers, _ = answer(port, found.paths[what, of], SETS[of])
            found.tags[what, of] = headers["ETag"]
    return found


def nginx(folder: Path, like: Rival, stack: ExitStack) -> Rival:
    """nginx with files that hold what the server `like` it answers, under paths of their own, with the same headers."""
    port, locations, paths = free_port(), [], {}
    for (what, of), path in like.paths.items():
        if what.startswith("304"):
            continue
        _, headers, body = answer(like.port, path, SETS[of])
        name = f"/{len(locations)}{path}"
        file = folder / f"body-{len(locations)}"
        file.write_bytes(body)
        kept = {
            k: v for k, v in headers.items() if k not in ("Date", "Server", "ETag", "Content-Length", "Content-Type")
        }
        added = "".join(f"add_header {k} {json.dumps(v)};" for k, v in kept.items())
        kind, _, charset = headers["Content-Type"].partition("; charset=")
        locations.append(
            f"location = {name} {{ alias {file}; types {{ }} default_type {json.dumps(kind + '; charset=' + charset)};"
            f" {added} }}"
        )
        paths[what, of] = name
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;\n"
        "events { worker_connections 1024; multi_accept on; }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; etag on; keepalive_timeout 75s;\n"
        "keepalive_requests 1000000000; open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;\n"
        f"client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};\n"
        f"uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
        f"server {{ listen 127.0.0.1:{port} backlog=1024; {' '.join(locations)} }} }}\n"
    )
    process = stack.enter_context(started(["nginx", "-c", str(configuration)], port))
    found = Rival("nginx, static file", port, process, paths)
    for (what, of), path in list(paths.items()):
        status, headers, body = answer(port, path, SETS[of])
        theirs = answer(like.port, like.paths[what, of], SETS[of])
        if (status, body) != (200, theirs[2]):
            raise SystemExit(f"nginx does not serve the same {what}")
        found.tags[f"304, {what}", of] = headers["ETag"]
        found.paths[f"304, {what}", of] = path
    return found


def webdis(folder: Path, like: Rival, stack: ExitStack) -> Rival | None:
    """webdis in front of a Redis that holds the plain bodies; None where it is not installed."""
    if shutil.which("webdis") is None or shutil.which("redis-server") is None:
        return None
    port, behind = free_port(), free_port()
    redis = ["redis-server", "--port", str(behind), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    stack.enter_context(started([*redis, "--logfile", str(folder / "redis.log")], behind))
    for what, ending in (("widget", "html"), ("JSON", "json")):
        body = answer(like.port, PATHS[what], {})[2]
        with socket.create_connection(("127.0.0.1", behind)) as one:
            name = f"{what}.{ending}".encode()
            one.sendall(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(name), name, len(body), body))
            one.recv(100)
    configuration = folder / "webdis.json"
    told = {"redis_host": "127.0.0.1", "redis_port": behind, "http_host": "127.0.0.1", "http_port": port}
    configuration.write_text(json.dumps({**told, "threads": 1, "daemonize": False, "verbosity": 0, "database": 0,
                                         "logfile": str(folder / "webdis.log")}))  # fmt: skip
    process = stack.enter_context(started(["webdis", str(configuration)], port))
    paths = {
        ("widget", "bare headers"): "/GET/widget%2ehtml?type=text/html",
        ("JSON", "bare headers"): "/GET/JSON%2ejson",
    }
    status, _, body = answer(port, paths["widget", "bare headers"], {})
    if status != 200 or body != answer(like.port, PATHS["widget"], {})[2]:
        raise SystemExit("webdis does not serve the same widget")
    return Rival("webdis, GET from Redis", port, process, paths)


def cpu(process: int) -> float:
    """Seconds of a core that a process and its children have used so far."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return (int(told[11]) + int(told[12])) / TICKS + sum(cpu(int(child)) for child in children)


def wrk(rival: Rival, what: str, of: str, seconds: int, *, rate: float | None = None) -> str:
    """What wrk says after one run, in which no request failed. With a `rate` no more than so many a second."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    for name, value in rival.headers(what, of).items():
        command += ["-H", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if rate is not None:
            pause = 1000 * CONNECTIONS / rate
            script.write(f"function delay() return math.random({pause * 0.5:.0f}, {pause * 1.5:.0f}) end\n")
            script.flush()
            command += ["-s", script.name]
        address = f"http://127.0.0.1:{rival.port}{rival.paths[what, of]}"
        said = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
    faults = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", said)  # timeouts are just slow
    if "Non-2xx" in said or (faults and any(int(one) for one in faults.groups())):
        raise SystemExit(f"{rival.name}, {what}: {said}")
    return said


def milliseconds(said: str, before: str) -> float:
    """The time that wrk prints behind an expression."""
    number, unit = re.search(before + r"\s+([0-9.]+)(us|ms|s)\s", said).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def answered(said: str) -> int:
    """How many requests it made."""
    return int(re.search(r"([0-9]+) requests in", said)[1])  # type: ignore[index]


def load(rival: Rival, what: str, of: str, seconds: int, *, rate: float | None = None) -> tuple[float, float, float]:
    """Requests a second, p99 in milliseconds, and microseconds of the server's core a request, of one run."""
    before = cpu(rival.process)
    said = wrk(rival, what, of, seconds, rate=rate)
    rps = float(re.search(r"Requests/sec:\s+([0-9.]+)", said)[1])  # type: ignore[index]
    return rps, milliseconds(said, "99%"), (cpu(rival.process) - before) * 1e6 / answered(said)


@contextmanager
def field_of(only: str) -> Iterator[list[Rival]]:
    """All the servers, ours first."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        whats = ("widget", "JSON", "304, widget", "304, JSON")
        ours = python("ticker", "ticker", stack, whats)
        found = [ours, nginx(folder, ours, stack)]
        more = {
            "ticker, new prices every second": ("ticker-changing", whats[:2]),
            "ticker, fast lane off": ("ticker-plain", whats[:3]),
            "aiohttp, renders each time": ("aiohttp", whats[:2]),
        }
        if importlib.util.find_spec("flask") and importlib.util.find_spec("gunicorn"):
            more["Flask under gunicorn, renders each time"] = ("flask", whats[:2])
        for title, (name, can) in more.items():
            if only in title:
                found.append(python(name, title, stack, can))
        if only in "webdis" and (one := webdis(folder, ours, stack)) is not None:
            found.append(one)
        yield found


def measure(rounds: int, seconds: int, only: str) -> dict[tuple[str, str, str], list[float]]:
    """Every figure, by case, contestant and metric."""
    told: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    with field_of(only) as rivals:
        asked = [(what, of) for of in SETS for what in ("widget", "JSON", "304, widget", "304, JSON")]
        turns = [(rival, *one) for one in asked for rival in rivals if one in rival.paths]
        for rival, what, of in turns:
            load(rival, what, of, 1)  # the first warms up
        for number in range(rounds):
            for rival, what, of in turns if number % 2 == 0 else reversed(turns):
                rps, _, cost = load(rival, what, of, seconds)
                told[f"{what}, {of}", rival.name, "requests"].append(rps)
                told[f"{what}, {of}", rival.name, "CPU a request"].append(cost)
            for (
                what,
                of,
            ) in asked:  # the slowest of a hundred vary more than their number: twice a round, in both orders
                for rival in (*rivals[:2], *reversed(rivals[:2])):
                    _, p99, _ = load(rival, what, of, seconds, rate=EQUAL)
                    told[f"{what}, {of}", rival.name, f"p99 at {EQUAL} a second"].append(p99)
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
    return told


def judge(told: Mapping[tuple[str, str, str], list[float]]) -> bool:
    """Print the medians beside nginx's; whether ours hold."""
    good = True
    for (case, name, metric), figures in told.items():
        theirs = told.get((case, "nginx, static file", metric), figures)
        ratio = statistics.median(figures) / statistics.median(theirs)
        sys.stdout.write(f"{case:<28} {name:<40} {metric:<22} {statistics.median(figures):>10.2f} {ratio:>6.2f}\n")
        if name == "ticker" and metric != "CPU a request":
            good = good and (ratio >= 1.0 if metric == "requests" else ratio <= 1.5)
    return good


def main(rounds: int = 5, seconds: int = 2, only: str = "") -> int:
    """Measure, write docs/performance/throughput.json, and judge; 0 = as fast as promised."""
    for program in ("wrk", "nginx", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"this needs the program {program}")
    told = measure(rounds, seconds, only)
    good = judge(told)
    if not only:
        busy = f"load average {os.getloadavg()[1]:.1f} at the end"
        path = results.save(
            "throughput",
            "python tests/bench/throughput.py",
            f"wrk, {CONNECTIONS} connections, one core for the server and one for the load, {rounds} rounds of "
            f"{seconds} s each, alternating; {busy}",
            [
                results.case(case, name, metric, UNITS.get(metric, "ms"), figures)
                for (case, name, metric), figures in told.items()
            ],
        )
        sys.stdout.write(f"written to {path}\n")
    return 0 if good else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    raise SystemExit(main(int(given[0]) if given else 5, int(given[1]) if given[1:] else 2, *given[2:3]))

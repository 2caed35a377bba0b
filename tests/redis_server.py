"""Real Redis servers for tests, without a disk, that can be hurt in every way: alone, over TLS, watched, in a cluster.

`shared_redis` is one server for the whole run: take a prefix of your own, never stop it. `own_redis` belongs to one
test, which may kill, stop, pause and restart it; so do `own_watched` and `own_cluster`. All skip with a reason where
the program is missing.

With REDIS_AS=acl,tls in the environment (or one of the two) every server that is not special in another way is met as
the least privileged user of docs/redis.md, and over TLS alone; who looks behind the store comes in by the socket.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

AS = frozenset(os.environ.get("REDIS_AS", "").split(",")) & {"acl", "tls"}
PATIENCE = 10.0  # seconds for the program to answer, or to end
DOCS = Path(__file__).resolve().parents[1] / "docs" / "redis.md"


class RedisServer:
    """`port` and `url` stay the same over restarts; what was stored does not."""

    def __init__(self, program: str, folder: Path, *options: str, port: int = 0) -> None:
        self._program, self._folder, self._options = program, folder, options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()
        self.socket = folder / f"redis-{self.port}.sock"
        self._as = frozenset() if options else AS
        self._certificate = Certificate(folder) if "tls" in self._as else None
        self.url = self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """Its address where something that passes everything on stands before it, on a port of this machine."""
        return self._url(port, "ticker:least-privileged" if "acl" in self._as else "", 0)

    def url_as(self, login: str, database: int = 0) -> str:
        """Its address for somebody else, USER:PASSWORD."""
        return self._url(self.port, login, database)

    def _url(self, port: int, login: str, database: int) -> str:
        scheme, more = "redis", ""
        if self._certificate is not None:
            scheme, more = "rediss", f"?ssl_ca_certs={self._certificate.file}"
        return f"{scheme}://{login + '@' if login else ''}127.0.0.1:{port}/{database}{more}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self._process is None, "it runs already"
        self._process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended at once"
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it politely; nothing where it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL; nothing where it does not run."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it and start an empty one in its place."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> "redis.Redis":
        """A blocking client, to look behind the store and to break things; close it, or use it in a `with`."""
        where: dict[str, object] = {"unix_socket_path": str(self.socket)} if self._as else {"port": self.port}
        return redis.Redis(**where, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0))  # type: ignore[arg-type]

    def _command(self) -> list[str]:
        speaking: tuple[str, ...] = ("--port", str(self.port))
        if self._certificate is not None:
            speaking = ("--port", "0", *self._certificate.options(self.port))
        users: tuple[str, ...] = ()
        if "acl" in self._as:
            file = self._folder / f"redis-{self.port}.conf"
            words = least_user("ticker", "least-privileged", "*")  # every test has a prefix of its own
            file.write_text(f"user {' '.join(words[2:])}\n", encoding="utf-8")
            users = (str(file),)
        return [
            *(self._program, *users, "--bind", "127.0.0.1", *speaking, "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no", "--unixsocket", str(self.socket), *self._options),
        ]

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.AuthenticationError) as error:
                return isinstance(error, redis.AuthenticationError)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        process.wait(PATIENCE)


class Certificate:
    """A certificate for 127.0.0.1 that signs itself, so it is its own authority."""

    def __init__(self, folder: Path) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("no openssl program here")
        self.file, self.key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-keyout", str(self.key), "-out", str(self.file), "-days", "2", "-subj", "/CN=ticker-test"),
                *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=digitalSignature,keyCertSign"),
            ],
            check=True,
            capture_output=True,
        )

    def options(self, port: int) -> tuple[str, ...]:
        """What makes a server speak TLS on this port, to clients without a certificate."""
        return (
            *("--tls-port", str(port), "--tls-cert-file", str(self.file), "--tls-key-file", str(self.key)),
            *("--tls-ca-cert-file", str(self.file), "--tls-auth-clients", "no"),
        )


class Watched:
    """A primary, a replica of it, and a Sentinel that watches them as "main" and fails over within a second."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        at_once = ("--repl-diskless-sync-delay", "0")
        self.nodes = [RedisServer(program, folder, *at_once, *options) for _ in range(2)]
        first = self.nodes[0]
        config = folder / "sentinel.conf"
        config.write_text(
            f"sentinel monitor main 127.0.0.1 {first.port} 1\n"
            "sentinel down-after-milliseconds main 500\n"
            "sentinel failover-timeout main 2000\n"
        )
        self.sentinel = _Sentinel(program, folder, config)
        # The first address is nobody's: whoever asks must go on to the next.
        self.url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{self.sentinel.port}/main/0"

    def start(self) -> None:
        """Start all three, and wait until the Sentinel knows the replica, and the replica what the primary has."""
        for node in self.nodes:
            node.start()
        with self.nodes[1].client() as client:
            client.replicaof("127.0.0.1", str(self.nodes[0].port))
            _wait(lambda: client.info("replication")["master_link_status"] == "up")
        self.sentinel.start()
        with self.sentinel.client() as client:
            _wait(lambda: len(client.execute_command("SENTINEL", "REPLICAS", "main")) == 1)

    def kill(self) -> None:
        """End all of them."""
        for one in (self.sentinel, *self.nodes):
            one.kill()

    def primary(self) -> RedisServer:
        """Whom the Sentinel calls so."""
        with self.sentinel.client() as client:
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        return next(node for node in self.nodes if node.port == int(port))


class _Sentinel(RedisServer):
    def __init__(self, program: str, folder: Path, config: Path) -> None:
        super().__init__(program, folder, str(config))
        self._config = config

    def _command(self) -> list[str]:
        return [self._program, str(self._config), "--sentinel", "--port", str(self.port), "--bind", "127.0.0.1"]


class Cluster:
    """Two nodes without replicas that have half of the slots each."""

    SLOTS = 16_384

    def __init__(self, program: str, folder: Path) -> None:
        self.nodes = []
        for name in ("a", "b"):
            (folder / name).mkdir()
            bus = (
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                str(free_port()),
                "--cluster-config-file",
                "nodes.conf",
            )
            self.nodes.append(RedisServer(program, folder / name, *bus))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start both, and wait until both know each other and the cluster works."""
        half = self.SLOTS // 2
        for node, (first, last) in zip(self.nodes, ((0, half - 1), (half, self.SLOTS - 1)), strict=True):
            node.start()
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        first, second = self.nodes
        with second.client() as client:
            bus = client.config_get("cluster-port")["cluster-port"]
        with first.client() as client:
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", second.port, bus)
        for node in self.nodes:
            with node.client() as client:
                _wait(lambda client=client: "cluster_state:ok" in _text(client.execute_command("CLUSTER", "INFO")))  # type: ignore[misc]

    def move(self, slot: int, to: RedisServer) -> None:
        """Give a slot to another node, without what is in it."""
        with to.client() as client:
            name = client.execute_command("CLUSTER", "MYID")
        for node in (to, *(one for one in self.nodes if one is not to)):
            with node.client() as client:
                client.flushall()
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", name)

    def kill(self) -> None:
        """End both."""
        for node in self.nodes:
            node.kill()


def least_user(name: str, password: str, prefix: str, *, kind: str = "ticker") -> Sequence[str]:
    """The words of the line in docs/redis.md that makes the least privileged user, for this prefix."""
    whole = DOCS.read_text(encoding="utf-8").replace("\\\n", " ")
    [line] = re.findall(rf"^ACL SETUSER {kind} .*$", whole, re.MULTILINE)
    for old, new in ((f"SETUSER {kind} ", f"SETUSER {name} "), (">PASSWORD", f">{password}")):
        line = line.replace(old, new)
    return line.replace("{ticker}", f"{{{prefix}}}").split()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _text(answer: object) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 3 * PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def redis_program() -> str:
    """The path of redis-server."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no redis-server or valkey-server program here")
    return program


@pytest.fixture(scope="session")
def shared_redis(redis_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for the whole run: take a prefix of your own, never stop it."""
    server = RedisServer(redis_program, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def guarded_redis(redis_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisServer, str]]:
    """One server for the whole run that also speaks TLS, and a URL of it without a user: make one of your own."""
    folder, port = tmp_path_factory.mktemp("guarded"), free_port()
    certificate = Certificate(folder)
    server = RedisServer(redis_program, folder, *certificate.options(port))
    server.start()
    yield server, f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate.file}"
    server.kill()


@pytest.fixture(scope="session")
def shared_watched(redis_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One watched pair for the whole run: never hurt it."""
    watched = Watched(redis_program, tmp_path_factory.mktemp("watched"))
    try:
        watched.start()
        yield watched
    finally:
        watched.kill()


@pytest.fixture
def own_redis(redis_program: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A server for one test, started, that the test may hurt."""
    server = RedisServer(redis_program, tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def plain_redis(redis_program: str, tmp_path: Path) -> Iterator[RedisServer]:
    """As `own_redis`, but as it comes with the system, whatever REDIS_AS says: for who follows the docs."""
    server = RedisServer(redis_program, tmp_path, "--loglevel", "warning")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_watched(redis_program: str, tmp_path: Path) -> Iterator[Watched]:
    """A watched pair for one test, started, that the test may hurt."""
    watched = Watched(redis_program, tmp_path)
    try:
        watched.start()
        yield watched
    finally:
        watched.kill()


@pytest.fixture
def own_cluster(redis_program: str, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster for one test, started, that the test may hurt."""
    cluster = Cluster(redis_program, tmp_path)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()

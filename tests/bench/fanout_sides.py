"""The two servers of the fan-out benchmark, each on one core: ours, and nginx with nchan, told the very same events."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from service import free_port

from ticker.model import Coin, Price, Snapshot
from ticker.server.frames import Frames
from ticker.server.params import DEFAULTS, stream
from ticker.server.pen import Pen, moment
from ticker.store.base import Publication
from ticker.store.envelope import seal

COINS = tuple(Coin(f"coin-{number}", f"Coin {number}", f"C{number}") for number in range(56))
SHOWN = tuple(coin.id for coin in COINS[:11])
ASK = stream([("locale", "en")], DEFAULTS)  # what our own element asks for
PATH = "/v1/stream?locale=en"
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
PATIENCE = 10.0  # seconds
Told = Callable[[int], None]


def snapshot(seq: int) -> Snapshot:
    """Of 56 coins and 11 in the list, as the service is shipped; every price is new."""
    now = time.time()
    prices = tuple(
        Price(
            coin.id,
            Decimal(64_250_12 + 37 * seq + 101 * number) / 100,
            "ok",
            used=5,
            total=7,
            as_of=now,
            live_until=now + 120,
            delayed_until=now + 300,
            gone_at=now + 3600,
            change_24h=Decimal(seq + number) / 100,
        )
        for number, coin in enumerate(COINS)
    )
    return Snapshot(1, seq, now, COINS, SHOWN, prices)


class Side(Protocol):
    """A server that is running. `port` and `path` are where its viewers go, `ordinary` a path to ask for meanwhile."""

    port: int
    path: str
    ordinary: str | None

    def publish(self, found: Snapshot, told: Told, seq: int | None) -> None:
        """Tell it a snapshot, and say `told(seq)` when all that is prepared beforehand is done, unless None."""

    def viewers(self) -> int | None:
        """How many it has, if it can say so. Nothing can be published after this."""

    def processes(self) -> list[int]:
        """Whose memory is its own."""

    def answers(self) -> socket.socket | None:
        """A socket on which it answers publications, if it does."""

    def stop(self) -> None:
        """End it."""


class Ours:
    """This project's server, as `fanout_server` says."""

    path = PATH
    ordinary: str | None = "/widget/list?locale=en"

    def __init__(self, core: int | None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fanout_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=lambda: pin(core),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe = self._process.stdin
        self.port = int(self._process.stdout.readline())
        self.publish(snapshot(0), lambda _: None, None)

    def publish(self, found: Snapshot, told: Told, seq: int | None) -> None:
        """Its sealed bytes, as a store would hand them out."""
        sealed = seal(Publication(found)).snapshot
        message = len(sealed).to_bytes(4, "big") + sealed
        if seq is not None:
            told(seq)
        self._pipe.write(message)
        self._pipe.flush()

    def processes(self) -> list[int]:
        return [self._process.pid]

    def answers(self) -> None:
        return None

    def viewers(self) -> int:
        assert self._process.stdout is not None
        self._pipe.close()
        return int(self._process.stdout.readline())

    def stop(self) -> None:
        self._pipe.close()
        self._process.wait(2 * PATIENCE)


_CONFIG = """
daemon off; worker_processes 1; worker_rlimit_nofile {files}; {user}
pid {folder}/pid; error_log {folder}/error.log warn;
load_module {module};
events {{ worker_connections {files}; }}
http {{
  access_log off; client_body_buffer_size 128k; tcp_nodelay on; nchan_shared_memory_size 128M;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /publish {{ nchan_publisher; nchan_channel_id prices; nchan_message_timeout 1m; }}
    location = /watch {{
      nchan_subscriber eventsource; nchan_channel_id prices; nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


class Nchan:
    """nginx with nchan: one worker, a channel, subscribers by server-sent events, published to over HTTP."""

    path = "/watch"
    ordinary: str | None = None

    def __init__(self, core: int | None, folder: Path) -> None:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not MODULE.exists():
            raise SystemExit("nchan is not here: apt-get install libnginx-mod-nchan")
        self.port = free_port()
        config = folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                files=19_000,
                user="user root;" if os.geteuid() == 0 else "",
                folder=folder,
                module=MODULE,
                port=self.port,
            )
        )
        self._process = subprocess.Popen([program, "-c", config, "-p", folder], preexec_fn=lambda: pin(core))
        self._frames = Frames(ASK, Pen(ASK.currency, ASK.locale))
        self._frames.take(moment(snapshot(0), time.time()))
        until = time.monotonic() + PATIENCE
        while len(self.processes()) < 2:  # its worker, too
            if time.monotonic() > until:
                raise TimeoutError("nginx does not start")
            time.sleep(0.02)
        self._road = socket.create_connection(("127.0.0.1", self.port))

    def publish(self, found: Snapshot, told: Told, seq: int | None) -> None:
        """The data of the event that our server would write."""
        before = self._frames.generation
        self._frames.take(moment(found, time.time()))
        data = self._frames.after(before).partition(b"data: ")[2].removesuffix(b"\n\n")
        head = f"POST /publish HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: {len(data)}\r\n\r\n"
        message = head.encode() + data
        if seq is not None:
            told(seq)
        self._road.sendall(message)

    def processes(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [self._process.pid, *map(int, children.split())]

    def answers(self) -> socket.socket:
        return self._road

    def viewers(self) -> None:
        return None

    def stop(self) -> None:
        self._road.close()
        self._process.terminate()
        self._process.wait(PATIENCE)


def pin(core: int | None) -> None:
    """Keep this process on one core, where there are several."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def cpu(processes: list[int]) -> float:
    """Seconds of CPU that they have used."""
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(processes: list[int]) -> float:
    """KB (1,000 bytes): the whole resident set of one process; of several, what they share counts once."""
    wanted = "Rss:" if len(processes) == 1 else "Pss:"
    found = 0
    for pid in processes:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(wanted):
                found += int(line.split()[1])
    return found * 1.024

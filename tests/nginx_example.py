"""A real nginx with deploy/nginx/ticker.conf as it stands; only its placeholders are filled in."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from service import free_port

CONF = Path(__file__).resolve().parents[1] / "deploy" / "nginx" / "ticker.conf"
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL = shutil.which("openssl")
PATIENCE = 20.0
AROUND = """
{user} daemon off; pid {root}/nginx.pid; error_log {root}/error.log; worker_processes 1; worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
    access_log off; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
    include {root}/ticker.conf;
}}
"""


class Front(NamedTuple):
    """Where it answers: with TLS as configured, and beside it without; and what clients must trust."""

    secure: str
    plain: int
    certificate: Path
    process: subprocess.Popen[bytes]


def filled(root: Path, upstream: int, secure: int, plain: int) -> str:
    """The file with our own ports, paths and certificate. Raises `ValueError` for a placeholder that is not there."""
    text = CONF.read_text(encoding="utf-8")
    for placeholder, here in (
        ("server ticker:8080;", f"server 127.0.0.1:{upstream};"),
        ("/var/cache/nginx/ticker", f"{root}/cache"),
        ("/etc/ssl/certs/prices.example.org.pem", f"{root}/certificate.pem"),
        ("/etc/ssl/private/prices.example.org.key", f"{root}/key.pem"),
        ("    listen 80;\n    listen [::]:80;\n", f"    listen 127.0.0.1:{free_port()};\n"),
        ("    listen 443 ssl http2; ", f"    listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl http2; "),
        ("    listen [::]:443 ssl http2;\n", ""),
    ):
        if text.count(placeholder) != 1:
            raise ValueError(f"{CONF.name}: {placeholder!r} stands there {text.count(placeholder)} times")
        text = text.replace(placeholder, here)
    return text


def certify(root: Path) -> None:
    """A certificate of our own for the host of the example."""
    if OPENSSL is None:
        pytest.skip("no openssl here")
    name = "prices.example.org"
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", root / "key.pem", "-out", root / "certificate.pem", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
        ],
        check=True,
        capture_output=True,
    )


def prepared(
    root: Path, upstream: int, connections: int = 4096, edit: Callable[[str], str] | None = None
) -> tuple[list[str], int, int]:
    """The command of an nginx in this folder, and the ports it is to have: with TLS, and without."""
    if PROGRAM is None:
        pytest.skip("no nginx here")
    root.chmod(0o755)
    certify(root)
    secure, plain = free_port(), free_port()
    text = filled(root, upstream, secure, plain)
    (root / "ticker.conf").write_text(edit(text) if edit else text, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers may not enter pytest's folder
    around = AROUND.format(root=root, user=user, connections=connections, files=2 * connections)
    (root / "nginx.conf").write_text(around, encoding="utf-8")
    return [PROGRAM, "-e", f"{root}/error.log", "-c", f"{root}/nginx.conf"], secure, plain


@contextmanager
def front(
    root: Path, upstream: int, connections: int = 4096, edit: Callable[[str], str] | None = None
) -> Iterator[Front]:
    """nginx before a ticker on this port of this machine; `edit` changes its file, for comparisons."""
    command, secure, plain = prepared(root, upstream, connections, edit)
    running = subprocess.Popen(command)
    try:
        _wait(plain)
        yield Front(f"https://prices.example.org:{secure}", plain, root / "certificate.pem", running)
    finally:
        running.terminate()
        running.wait()


def _wait(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return

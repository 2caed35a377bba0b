"""A real nginx for tests, without a service and without root's rights where we have them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FRAME = """
{user} daemon off; pid {root}/nginx.pid; error_log {root}/error.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
{http}
}}
"""


@contextmanager
def nginx(root: Path, http: str) -> Iterator[None]:
    """nginx with this inside its `http { }`, until the block ends. Skips where there is none."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx here")
    user = "user root;" if os.geteuid() == 0 else ""
    config = root / "nginx.conf"
    config.write_text(FRAME.format(root=root, http=http, user=user))
    running = subprocess.Popen([program, "-e", str(root / "error.log"), "-c", str(config)])
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)

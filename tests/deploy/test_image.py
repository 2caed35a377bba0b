"""The image's files: linted, checked, and their commands run here, without a container. No image is built in a test."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile import read
from nginx import nginx
from redis_server import RedisServer
from seeded import seeded
from service import free_port

from ticker.config import load, shipped_folder
from ticker.store import open_store
from ticker.store.base import Entry

ROOT = Path(__file__).resolve().parents[2]
STAGES = read(ROOT / "Dockerfile")
BUILD, FINAL = STAGES
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTRUCTIONS = {
    *("LABEL", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL"),
    *("HEALTHCHECK", "ENTRYPOINT", "CMD"),
}


def test_the_dockerfile_is_in_order() -> None:
    """The rules of the usual linters: pinned bases, exec forms, no ADD, no root, no cache left, no secret in it."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert [stage.name for stage in STAGES] == ["build", None]
    assert {stage.base for stage in STAGES} == {"python:3.11-slim-bookworm"}
    assert {what for stage in STAGES for what, _ in stage.steps} <= INSTRUCTIONS
    for stage in STAGES:
        for step in stage.all("RUN"):
            assert not re.search(r"\b(sudo|curl|wget|cd)\b|apt-get(?!.*rm -rf /var/lib/apt)", step)
            for install in re.findall(r"pip install[^&]*", step):
                assert "--no-cache-dir" in install
                assert "--require-hashes" in install or "--no-index" in install
        assert all(rest.startswith("/") for rest in stage.all("WORKDIR"))
    assert FINAL.all("USER") == ["10001:10001"]
    assert [what for what, _ in FINAL.steps].index("USER") > [what for what, _ in FINAL.steps].index("RUN")
    assert FINAL.all("STOPSIGNAL") == ["SIGTERM"]
    assert not re.search(r"(?i)(password|secret|token|_KEY)\s*=", text)


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    """Every COPY finds its files past .dockerignore; secrets, history and tests do not go to the builder."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    def sent(path: str) -> bool:
        kept = True
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            if fnmatch(path, pattern) or fnmatch(path.partition("/")[0], pattern) or fnmatch(Path(path).name, pattern):
                kept = rule.startswith("!")
        return kept

    sources = [one for step in BUILD.all("COPY") for one in step.split()[:-1]]
    assert sources
    for one in sources:
        assert (ROOT / one).exists()
        assert sent(one)
    for one in (".git", ".venv", "tests", "deploy/compose/secrets/users.acl", "config/__pycache__", "store.sqlite3"):
        assert not sent(one), one


def _fresh(folder: Path) -> Path:
    """A new environment with our wheel, built here, and with what it needs from this environment; its programs."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
            *("--disable-pip-version-check", "--wheel-dir", str(folder), str(ROOT)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("ticker-*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--quiet"),
            *("--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)),
        ],
        check=True,
        capture_output=True,
    )
    (site / "here.pth").write_text(sysconfig.get_paths()["purelib"])
    return venv / "bin"


def _status(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def test_the_image_s_commands_run_from_the_wheel(tmp_path: Path) -> None:
    """ENTRYPOINT with CMD, in the image's environment and in a folder of its own, serves; HEALTHCHECK says whether."""
    programs = _fresh(tmp_path)
    port, state = free_port(), tmp_path / "state"
    state.mkdir()
    environ = {
        **FINAL.environ(),
        "PATH": f"{programs}:/usr/bin:/bin",
        "XDG_STATE_HOME": str(state),
        "TICKER_SERVER_PORT": str(port),
        "TICKER_SERVER_HOST": "127.0.0.1",
    }
    (options,) = FINAL.all("HEALTHCHECK")
    check = list(yaml.safe_load(options.partition(" CMD ")[2]))

    def healthy() -> bool:
        done = subprocess.run([str(programs / check[0]), *check[1:]], env=environ, capture_output=True, check=False)
        return done.returncode == 0

    assert not healthy()
    entry = FINAL.command("ENTRYPOINT")
    command = [str(programs / entry[0]), *entry[1:], *FINAL.command("CMD"), "--demo"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=state, env=environ, stderr=log)
    try:
        until = time.monotonic() + 40
        while _status(f"http://127.0.0.1:{port}/readyz") != 200:
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            assert running.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        assert healthy()
        said = subprocess.run(
            [str(programs / "python"), "-c", "import ticker; print(ticker.__file__)"],
            cwd=state,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout.startswith(str(tmp_path))
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    """Read-only root, no capability, no new privilege, a bound of memory, a health check or why there is none."""
    service = SERVICES[name]
    line = next(line for line in (ROOT / "compose.yaml").read_text().splitlines() if "healthcheck: {disable" in line)

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["mem_limit"]
    assert service.get("image", "").partition(":")[2] != "latest"
    health = service.get("healthcheck")
    assert health or FINAL.all("HEALTHCHECK")
    if health == {"disable": True}:
        assert name == "poll"
        assert "#" in line


def test_compose_fits_together() -> None:
    """Known keys only; every file, network, volume, secret and service that is named is there; nothing secret in it."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    keys = {
        *("restart", "read_only", "cap_drop", "security_opt", "logging", "image", "build", "environment", "secrets"),
        *("tmpfs", "depends_on", "stop_grace_period", "mem_limit", "pids_limit", "ulimits", "user", "command"),
        *("volumes", "networks", "healthcheck", "deploy", "ports"),
    }
    top = {"name", "services", "networks", "volumes", "secrets"}
    assert {key for key in COMPOSE if not key.startswith("x-")} == top
    for service in SERVICES.values():
        assert set(service) <= keys
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        for mount in service.get("volumes", ()):
            place = mount.partition(":")[0]
            assert place in COMPOSE["volumes"] or (ROOT / place).is_file()
    assert SERVICES["serve"]["deploy"]["replicas"] == 2
    assert SERVICES["nginx"]["ports"] == ["127.0.0.1:8080:8080"]
    assert not re.search(r"(?i)password *[:=]|requirepass|redis://\w*:\w", text)


def test_compose_s_settings_are_ours(tmp_path: Path) -> None:
    """What it puts into ticker's environment is a configuration that is accepted."""
    url = tmp_path / "store-url"
    url.write_text("redis://ticker:hunter2@redis:6379/0")
    environ = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)).replace("/run/secrets/store_url", str(url))
        for name, value in SERVICES["serve"]["environment"].items()
    }
    config = load(shipped_folder(), environ)

    assert config.server.drain == 2.0
    assert config.server.trusted_proxies == ("172.16.0.0/12", "192.168.0.0/16")
    assert config.server.public_url == "http://127.0.0.1:8080"
    assert "hunter2" not in repr(config)


@pytest.mark.redis
async def test_the_secrets_work(redis_program: str, tmp_path: Path) -> None:
    """`make-secrets` makes them once; Redis takes its users; ticker's user may do all that ticker does, and no more."""
    shutil.copy(ROOT / "deploy/compose/make-secrets", tmp_path / "make-secrets")
    for _ in range(2):
        await asyncio.to_thread(subprocess.run, ["sh", str(tmp_path / "make-secrets")], check=True, capture_output=True)
    secrets = tmp_path / "secrets"
    health = (secrets / "redis-health").read_text()
    assert secrets.stat().st_mode & 0o077 == 0
    assert len(health) == 48
    options = ("--aclfile", str(secrets / "users.acl"), "--maxmemory", "256mb", "--maxmemory-policy", "noeviction")
    redis = RedisServer(redis_program, tmp_path, *options)
    redis.start()
    try:
        url = (secrets / "store-url").read_text().replace("redis:6379", f"127.0.0.1:{redis.port}")
        await seeded(url)
        store = open_store(url)
        await store.open()
        found = await store.resume()
        assert found is not None
        await store.heartbeat()
        await store.add_points("1m", time.time(), {"bitcoin": found.snapshot.prices[0].price})
        await store.record([Entry(time.time(), "bitcoin", b"x")])
        assert len(await store.points("bitcoin", "1m", 0, time.time())) == 1
        assert len(await store.decisions("bitcoin", 0, time.time() + 1, 10)) == 1
        async with asyncio.timeout(20):
            async with contextlib.aclosing(store.changes()) as changes:
                assert (await anext(changes)).order == found.snapshot.order
        await store.close()
        program = shutil.which("redis-cli")
        assert program is not None
        for user, words, said in (
            ("health", ("ping",), "PONG"),
            ("health", ("get", "{ticker}:snapshot"), "NOPERM"),
            ("ticker", ("flushall",), "NOPERM"),
            ("ticker", ("get", "other"), "NOPERM"),
            ("ticker", ("config", "get", "*"), "NOPERM"),
        ):
            password = health if user == "health" else url.partition("ticker:")[2].partition("@")[0]
            done = await asyncio.to_thread(
                subprocess.run,
                [program, "-p", str(redis.port), "--user", user, "--no-auth-warning", *words],
                env={"REDISCLI_AUTH": password, "PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                check=False,
            )
            assert said in done.stdout, (user, words, done.stdout)
    finally:
        redis.kill()


def test_redis_and_nginx_take_their_files(redis_program: str, tmp_path: Path) -> None:
    """redis.conf and nginx.conf as they are, but for places: both programs start with them."""
    conf = (ROOT / "deploy/compose/redis.conf").read_text()
    port = free_port()
    assert "maxmemory-policy noeviction" in conf
    conf = conf.replace("dir /data", f"dir {tmp_path}").replace("port 6379", f"port {port}")
    conf = conf.replace("aclfile /run/secrets/redis_users", "").replace("bind * -::*", "bind 127.0.0.1")
    (tmp_path / "redis.conf").write_text(conf)
    running = subprocess.Popen([redis_program, str(tmp_path / "redis.conf")], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert any("Ready to accept connections" in line for line in running.stdout)
    running.terminate()
    running.communicate(timeout=20)

    front = free_port()
    site = (ROOT / "deploy/compose/nginx.conf").read_text()
    site = site.replace("listen 8080", f"listen 127.0.0.1:{front}").replace("/tmp/cache", str(tmp_path / "cache"))
    with nginx(tmp_path, site.replace("127.0.0.11", "127.0.0.1").replace("http://ticker:8080", "http://127.0.0.1:1")):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if _status(f"http://127.0.0.1:{front}/healthz") == 502:
                return
            time.sleep(0.05)
    raise AssertionError((tmp_path / "error.log").read_text())

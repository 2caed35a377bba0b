"""The folder: whole files only, only what changed, and nobody else's files touched."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ticker.errors import TickerError
from ticker.publishing import File
from ticker.static_folder import MANIFEST, Done, StaticFolder

WRITER = """
import sys
from pathlib import Path
from ticker.publishing import File
from ticker.static_folder import StaticFolder
folder = StaticFolder(Path(sys.argv[1]))
folder.open()
print("open", flush=True)
for turn in range(1, 1_000_000):
    body = b"%08d" % turn * 20_000
    folder.write({f"widget/list{number}.html": File(body, body) for number in range(4)}, str(turn), 0.0)
"""


def file(text: str, news: str | None = None) -> File:
    """A small file."""
    return File(text.encode(), (text if news is None else news).encode())


@pytest.fixture
def folder(tmp_path: Path):
    """An opened folder that does not exist yet."""
    found = StaticFolder(tmp_path / "site" / "prices")
    found.open()
    yield found
    found.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "site" / "prices"


def again(folder: StaticFolder, place: Path) -> StaticFolder:
    """As the next run of the command finds it."""
    folder.close()
    found = StaticFolder(place)
    found.open()
    return found


def test_only_what_changed(folder: StaticFolder, place: Path) -> None:
    """A file whose news are the same is not touched, over restarts too; one that somebody changed is mended."""
    assert folder.write({"a.html": file("a"), "v1/b.json": file("b 1", "b")}, "7-1", 1.0) == Done(2, 0, 0)
    before = (place / "v1/b.json").stat()
    folder = again(folder, place)
    assert folder.write({"a.html": file("a!"), "v1/b.json": file("b 2", "b")}, "7-2", 2.0) == Done(1, 1, 0)
    after = (place / "v1/b.json").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert (place / "a.html").read_text() == "a!"
    manifest = json.loads((place / MANIFEST).read_text())
    assert (manifest["id"], manifest["built_at"]) == ("7-2", 2.0)
    assert manifest["files"].keys() == {"a.html", "v1/b.json"}
    (place / "a.html").write_text("torn")
    assert folder.write({"a.html": file("a!"), "v1/b.json": file("b 2", "b")}, "7-2", 2.0) == Done(1, 1, 0)
    folder.close()


def test_only_ours_is_removed(folder: StaticFolder, place: Path) -> None:
    """What we wrote and no longer write goes; what others put there, or changed, stays."""
    files = {"widget/label/old.html": file("old"), "widget/label/theirs.html": file("ours"), "a.html": file("a")}
    folder.write(files, "1", 0.0)
    (place / "widget/label/theirs.html").write_text("edited")
    (place / "index.html").write_text("my page")
    folder = again(folder, place)
    assert folder.write({"a.html": file("a")}, "2", 0.0) == Done(0, 1, 1)
    left = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert left == {"a.html", "index.html", MANIFEST, "widget/label/theirs.html"}
    folder.close()


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    """A manifest of another program is not overwritten: a site's own is called the same."""
    (tmp_path / MANIFEST).write_text('{"name": "My App", "files": 7}')
    with pytest.raises(TickerError, match="is not ours"):
        StaticFolder(tmp_path).open()
    assert "My App" in (tmp_path / MANIFEST).read_text()


def test_one_at_a_time(folder: StaticFolder, place: Path) -> None:
    """Two that write to one folder, as when cron is quicker than a round, are one too many."""
    with pytest.raises(TickerError, match="another ticker publish"):
        StaticFolder(place).open()
    folder.close()
    StaticFolder(place).open()


@pytest.mark.parametrize(
    "path", ["../out.html", "/etc/passwd", "a/../../b.html", ".hidden.html", "a//b.html", "a b.html"]
)
def test_no_way_out(folder: StaticFolder, place: Path, path: str, tmp_path: Path) -> None:
    """Neither a coin's name nor a manifest that somebody wrote leads out of the folder."""
    with pytest.raises(ValueError, match="is no path"):
        folder.write({path: file("x")}, "1", 0.0)
    outside = tmp_path / "site" / "out.html"
    outside.write_text("theirs")
    entry = {"sha256": __import__("hashlib").sha256(b"theirs").hexdigest(), "news": "", "size": 6}
    (place / MANIFEST).write_text(json.dumps({"generator": "ticker publish", "files": {path: entry}}))
    folder = again(folder, place)
    folder.write({}, "2", 0.0)
    assert outside.read_text() == "theirs"
    folder.close()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The path and the reason, not a trace."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TickerError, match="cannot be written"):
        StaticFolder(tmp_path / "file" / "site").open()
    folder = StaticFolder(tmp_path)
    folder.open()
    (tmp_path / "widget").write_text("in the way")
    with pytest.raises(TickerError, match="widget"):
        folder.write({"widget/a.html": file("a")}, "1", 0.0)
    folder.close()


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """kill -9 at any moment, twelve times: every file is whole, the manifest's files are there, nothing is left over
    after the next round; and who reads all the time never sees a torn file.
    """
    seen: set[int] = set()
    torn: list[bytes] = []
    over = threading.Event()

    def reader() -> None:
        while not over.is_set():
            for path in (tmp_path / "widget").glob("*.html"):
                body = path.read_bytes()
                if body == body[:8] * 20_000:
                    seen.add(int(body[:8]))
                else:
                    torn.append(body)

    watching = threading.Thread(target=reader)
    watching.start()
    try:
        for turn in range(12):
            writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"open\n"
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(0.05 + 0.013 * turn)
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
            for path in (tmp_path / "widget").glob("*.html"):
                body = path.read_bytes()
                assert body == body[:8] * 20_000
            if (tmp_path / MANIFEST).exists():
                listed = json.loads((tmp_path / MANIFEST).read_bytes())["files"]
                assert all((tmp_path / path).is_file() for path in listed)
    finally:
        over.set()
        watching.join()
    assert torn == []
    assert len(seen) > 10
    folder = StaticFolder(tmp_path)
    folder.open()
    folder.write({f"widget/list{number}.html": file("end") for number in range(4)}, "end", 0.0)
    folder.close()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        MANIFEST,
        *(f"list{n}.html" for n in range(4)),
    }

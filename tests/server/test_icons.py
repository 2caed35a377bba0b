"""Icons that ops drop in: served locked down and long-lived, drawn by the widgets, never what is no icon."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock
from snapshots import COINS, snapshot

from ticker.model import Coin
from ticker.server import icons
from ticker.server.app import Serving, make_app
from ticker.server.icons import Icons

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an icon of each type and several things that are none."""
    for name, body in {
        "bitcoin.svg": SVG,
        "gold.png": PNG,
        "ethereum.webp": WEBP,
        "UPPER.svg": SVG,
        "a b.svg": SVG,
        ".hidden.svg": SVG,
        "page.html": b"<h1>",
        "no-image.png": SVG,
        "empty.svg": b"",
        "large.png": PNG + bytes(icons.LARGEST),
    }.items():
        (tmp_path / name).write_bytes(body)
    (tmp_path / "folder.svg").mkdir()
    return tmp_path


class Feed:
    """A feed that stands still: gold has the icon that its configuration names, two coins one of their own id."""

    snapshot = snapshot(coins=(*COINS[:2], Coin("pirate-chain", "Pirate Chain", "ARRR", icon="gold.png"), COINS[3]))

    def subscribe(self, _: object) -> Any:
        return lambda: None


async def client(folder: Path | None) -> Any:
    """A client of a site with these icons."""
    app = make_app(Feed(), Serving(icons=folder, origin="https://p.example/x"), Clock())  # type: ignore[arg-type]
    found: Any = TestClient(TestServer(app))
    await found.start_server()
    return found


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [("bitcoin.svg", "image/svg+xml", SVG), ("gold.png", "image/png", PNG), ("ethereum.webp", "image/webp", WEBP)],
)
async def test_an_icon_is_served_locked_down(folder: Path, name: str, kind: str, body: bytes) -> None:
    """With its type, no sniffing, no script even where it is opened by itself, an ETag, and a long life."""
    site = await client(folder)
    async with site.get(f"/icons/{name}") as response:
        assert (response.status, response.headers["Content-Type"], await response.read()) == (200, kind, body)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == ("default-src 'none'; style-src 'unsafe-inline'; sandbox")
        assert response.headers["Cache-Control"] == "public, max-age=86400"
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        etag = response.headers["ETag"]
    async with site.get(f"/icons/{name}?v={etag[1:-1]}", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    await site.close()


@pytest.mark.parametrize(
    "name",
    ["UPPER.svg", "a%20b.svg", ".hidden.svg", "page.html", "no-image.png", "empty.svg", "large.png", "folder.svg",
     "nothing.svg", "..%2Fcoins.toml", "%2e%2e%2fcoins.toml", "bitcoin.svg%00.png"],
)  # fmt: skip
async def test_what_is_no_icon_is_not_served(folder: Path, name: str) -> None:
    """By its name, its size or its first bytes; and nothing outside the folder."""
    site = await client(folder)
    async with site.get(f"/icons/{name}") as response:
        assert response.status == 404
    await site.close()


async def test_widgets_draw_it(folder: Path) -> None:
    """The one the configuration names, else the file of the coin's own id, else the lettered mark."""
    site = await client(folder)
    async with site.get("/widget/list?coins=bitcoin,ethereum,pirate-chain,openvoicecoin&css=none") as response:
        text = await response.text()
    held = Icons(folder)
    for coin, named in (("bitcoin", None), ("ethereum", None), ("pirate-chain", "gold.png")):
        address = held.address(coin, named)
        assert f'<img src="https://p.example/x{address}" alt="" width="32" height="32"' in text
    assert text.count("<img") == 3
    assert text.count("<svg") == 1
    await site.close()


async def test_without_a_folder_all_have_their_marks(tmp_path: Path) -> None:
    """Nothing is needed for a beautiful list."""
    for folder in (None, tmp_path / "missing"):
        site = await client(folder)
        async with site.get("/widget/list?css=none") as response:
            assert "<img" not in await response.text()
        await site.close()


def test_a_file_dropped_in_is_found(folder: Path) -> None:
    """At the next look, with a new address where its content is another; one that went is gone."""
    held = Icons(folder)
    before = held.address("bitcoin", None)
    assert not held.look()
    (folder / "monero.png").write_bytes(PNG)
    (folder / "bitcoin.svg").write_bytes(SVG + b" ")
    (folder / "ethereum.webp").unlink()
    assert held.look()
    assert held.address("monero", None)
    assert held.address("bitcoin", None) not in (None, before)
    assert held.address("ethereum", None) is None


def test_vector_before_pixels(tmp_path: Path) -> None:
    """Where a coin has several files of its own."""
    for name, body in (("x.png", PNG), ("x.webp", WEBP), ("x.svg", SVG)):
        (tmp_path / name).write_bytes(body)
        assert (Icons(tmp_path).address("x", None) or "").startswith(f"/icons/{name}?v=")

"""Which coding a reader gets, and what a body becomes in it (RFC 9110, 12.5.3)."""

import gzip
import subprocess
import sys

import aiohttp
import brotli
import pytest
from backports import zstd
from loopback import loopback
from snapshots import snapshot

from ticker.server.codings import choices, compress
from ticker.server.ready import ALWAYS, Ready, ready

TEXT = b"<p>Latest Market Prices</p>" * 100
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, ("identity",)),
        ("", ("identity",)),
        (" , ,", ("identity",)),
        ("gzip", ("gzip", "identity")),
        ("GZip", ("gzip", "identity")),
        ("x-gzip", ("gzip", "identity")),
        ("gzip, deflate, br, zstd", ("br", "zstd", "gzip", "identity")),
        ("gzip, deflate, br", ("br", "gzip", "identity")),
        ("br;q=0.5, gzip;q=0.9", ("gzip", "br", "identity")),
        ("br ; q=0.5 ,gzip ; q=0.9", ("gzip", "br", "identity")),
        ("gzip;q=0", ("identity",)),
        ("gzip;q=0.000", ("identity",)),
        ("identity", ("identity",)),
        ("identity, gzip;q=0.5", ("identity", "gzip")),
        ("identity;q=0, gzip", ("gzip",)),
        ("*", ("gzip", "identity")),
        ("*;q=0, br", ("br",)),
        ("br;q=1, *;q=0", ("br",)),
        ("*;q=0, identity;q=0.1", ("identity",)),
        ("gzip;q=0, *", ("identity",)),
        ("identity;q=0", ("identity",)),
        ("*;q=0", ("identity",)),
        ("gzip;q=2, br;q=nan, zstd;q=-1", ("identity",)),
        ("gzip;level=9;q=0.2", ("gzip", "identity")),
        ("deflate, sdch", ("identity",)),
        ("\udcff, gzip", ("gzip", "identity")),
        ("gzip, " + "x, " * 1000, ("gzip", "identity")),
    ],
)
def test_choices(header: str | None, wanted: tuple[str, ...]) -> None:
    """By weight, then the smaller; a refusal is one; who takes nothing gets identity all the same."""
    assert choices(header) == wanted


@pytest.mark.parametrize("coding", sorted(UNPACK))
def test_there_and_back(coding: str) -> None:
    """Each coding gives the body back, is smaller, and is the same every time."""
    packed = compress(coding, TEXT)

    assert UNPACK[coding](packed) == TEXT
    assert len(packed) < len(TEXT) / 2
    assert compress(coding, TEXT) == packed


def test_small_bodies_are_left_alone() -> None:
    """Unless the reader refuses them plain."""
    small = ready(b"ok")

    assert small.coded(("br", "gzip", "identity")) == ("identity", b"ok")
    coding, body = small.coded(("gzip",))
    assert (coding, gzip.decompress(body)) == ("gzip", b"ok")


def test_what_is_packed_already_is_left_alone() -> None:
    """Pictures do not shrink."""
    assert Ready(TEXT, "x", ALWAYS, packed=True).coded(("gzip", "identity")) == ("identity", TEXT)


def test_a_coding_is_made_once_and_has_its_own_etag() -> None:
    """The ETag is the hash of the plain body and the coding."""
    found = ready(TEXT)

    assert found.coded(("br",))[1] is found.coded(("br", "identity"))[1]
    assert found.etag("identity") == f'"{found.digest}"'
    assert found.etag("br") == f'"{found.digest}-br"'
    assert ready(TEXT).digest == found.digest != ready(TEXT + b"!").digest


def test_compressors_are_loaded_when_somebody_asks() -> None:
    """A server that nobody asks for them never has them in memory, even while it negotiates."""
    code = (
        "import sys; from ticker.server.codings import choices; choices('gzip, br, zstd'); "
        "print(sorted({'brotli', 'backports.zstd', 'compression.zstd'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("path", "most"), [("/embed.js", 4096), ("/embed.css", 2048), ("/widget/list", 4096)])
async def test_weights_on_the_wire(path: str, most: int) -> None:
    """What a browser that takes brotli is really sent of the element is as light as is told (issue 4)."""
    async with (
        loopback(snapshot()) as origin,
        aiohttp.ClientSession(origin, auto_decompress=False) as session,
        session.get(path, headers={"Accept-Encoding": "br"}) as response,
    ):
        body = await response.read()
    assert response.headers["Content-Encoding"] == "br"
    assert len(body) <= most

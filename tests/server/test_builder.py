"""The builder without script: what its form sends comes back drawn, with the line that puts it on a page."""

from html import unescape

import pytest
from server.test_app import Site, start
from snapshots import snapshot

from ticker.server.app import Serving
from ticker.server.params import Defaults


async def page(path: str, serving: Serving | None = None) -> tuple[Site, str]:
    """A site, and one page of it."""
    site = await start(snapshot(), serving)
    status, _, text = await site.get(path)
    assert status == 200, text
    return site, text


def line(text: str) -> str:
    """The line to copy."""
    return unescape(text.partition("<code>")[2].partition("</code>")[0])


async def test_at_first() -> None:
    """The list as publishers keep it, drawn, and the line of the element; no style but ours, one form, one origin."""
    site, text = await page("/")
    policy = (await site.get("/"))[1]["Content-Security-Policy"]
    told = (await site.get("/snippet/script/list"))[2]
    await site.client.close()

    assert text.count('class="mp-row"') == len(snapshot().shown)
    assert line(text) + "\n" == told
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_what_the_form_sends() -> None:
    """Boxes come once for each; what is the default anyway is not in the line; the preview is that very widget."""
    sent = "kind=card&door=iframe&coins=ethereum&coins=bitcoin&currency=usd&locale=de&theme=dark&look=card&title=&find="
    site, text = await page(f"/?{sent}&show=logo&show=name&show=symbol&show=price&show=change&show=spark")
    told = (await site.get("/snippet/iframe/card?coins=ethereum,bitcoin&locale=de&theme=dark&title="))[2]
    await site.client.close()

    assert line(text) + "\n" == told
    assert "/embed/card?coins=ethereum,bitcoin&amp;locale=de&amp;theme=dark&amp;title=" in line(text)
    assert '<market-prices kind="card" css="link" coins="ethereum,bitcoin" locale="de" theme="dark" title="">' in text
    assert text.index('data-coin="ethereum"') < text.index('data-coin="bitcoin"')
    assert '<input type="checkbox" name="coins" value="bitcoin" checked>' in text


async def test_the_publishers_defaults_are_the_usual() -> None:
    """What ops have chosen is chosen here, and says nothing in the line."""
    serving = Serving(Defaults(title="Kurse", locale="de", theme="dark"))
    site, text = await page("/?locale=de&theme=dark&title=Kurse&currency=usd", serving)
    await site.client.close()

    assert "locale" not in line(text)
    assert '<input type="radio" name="theme" value="dark" checked data-usual="dark">' in text


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("kind=clock", 404, "unknown_kind"),
        ("door=window", 404, "unknown_kind"),
        ("currency=doubloon", 400, "bad_parameter"),
        ("coins=gold", 404, "unknown_coin"),
        ("look=1", 400, "bad_parameter"),
    ],
)
async def test_refusals(query: str, status: int, code: str) -> None:
    """Nothing is drawn of what is not there."""
    site = await start(snapshot())
    found = await site.get(f"/?{query}")
    await site.client.close()

    assert found[0] == status
    assert code in found[2]


async def test_a_title_that_tries_to_break_out() -> None:
    """It stays text: in the field, in the preview, in the line."""
    site, text = await page("/?title=%22%3E%3C/code%3E%3Cscript%3Ealert(1)%3C/script%3E")
    await site.client.close()

    assert "<script>alert" not in text
    assert text.count("</code>") == 1

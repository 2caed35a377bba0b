"""The corpus through every field of sources and of the configuration and every parameter, at every door, in a real
browser: nothing runs, no policy is so much as asked, nothing leaves its place (trust rule 34).
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape, unescape

import msgspec
import pytest
from browser.corpus import BUILT, CORPUS, ESCAPED, WATCHED
from browser.hostile import (
    CALM,
    STRANGE_ICON,
    TEXTS,
    Press,
    Said,
    Service,
    ask_all,
    coin_of,
    corpus_service,
    escaped,
    poisoned,
)
from browser.news import until
from browser.stage import Stage
from markdown_it import MarkdownIt
from playwright.sync_api import BrowserContext, Page
from snapshots import NOW

from ticker.model import Point
from ticker.server.params import OF_ONE
from widgets.render import KINDS

pytestmark = pytest.mark.browser

ALL = [coin_of(number) for number in range(len(TEXTS))]
STYLE = "body{margin:8px}main{width:600px}.slot{display:flow-root}.after{margin:10px 0 0;height:20px}"
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "/widget/table": (
        *("coins", "currency", "limit", "locale", "theme", "change", "show", "css", "look", "density", "up"),
        *("zeros", "sort", "page", "unknown"),
    ),
    "/embed/label": ("coins", "currency", "locale", "title", "unknown"),
    "/embed/chart": ("range",),
    "/widget/price/coin-0": ("on", "currency", "locale"),
    "/": ("kind", "door", "coins", "currency", "show", "was"),
    "/gallery": ("look", "density", "up", "locale"),
    "/badge/coin-0.svg": ("currency", "locale", "theme", "change", "show"),
    "/embed.css": ("kind", "look"),
}
DATA: Mapping[str, tuple[str, ...]] = {
    "/badge/coin-0.json": ("currency", "show"),
    "/oembed": ("url", "maxwidth", "maxheight", "format"),
    "/snippet/script/list": ("coins", "title"),
    "/v1/prices": ("coins", "currency", "limit", "locale"),
    "/v1/history/coin-0": ("from", "to", "step", "currency"),
    "/v1/stream": ("coins", "currency", "locale"),
    "/api/v3/simple/price": ("ids", "vs_currencies"),
}
PATHS = ("/widget/{}", "/widget/list/{}", "/widget/price/{}", "/embed/{}", "/embed/list/{}", "/badge/{}.svg")
DATA_PATHS = ("/{}", "/badge/{}.json", "/v1/prices/{}", "/v1/explain/{}", "/v1/history/{}", "/snippet/{}/list")
DATA_PATHS += ("/snippet/script/{}", "/icons/{}", "/api/v3/{}")


@dataclass
class Theatre:
    """The stage with the services on it: the corpus's, its calm twin's, and one for each text."""

    stage: Stage
    corpus: Service
    calm: Service
    worlds: list[Service]
    press: Press
    calm_built: set[str] = field(default_factory=set)

    @property
    def policy(self) -> str:
        """What a strict news site allows: us."""
        us = "http://127.0.0.1:*"
        return (
            f"default-src 'none'; script-src {us}; style-src {us}; connect-src {us}; img-src {us}; frame-src {us}; "
            f"base-uri 'none'; form-action 'none'"
        )

    def page(self, slots: Mapping[str, str], head: str = "") -> str:
        """The address of a news site's page with something of ours in each slot."""
        style = self.press.print(STYLE, "", "text/css")
        body = "".join(
            f'<div class="slot" data-name="{escape(name)}">{inside}</div><p class="after">The news go on.</p>'
            for name, inside in slots.items()
        )
        html = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>News</title>{head}'
        html += f'<link rel="stylesheet" href="{style}"></head><body><main>{body}</main></body></html>'
        return self.press.print(html, self.policy)

    def ask(self, urls: list[str]) -> list[Said]:
        """What doors answer."""
        return list(self.stage.do(ask_all(urls)))


@pytest.fixture(scope="module")
def played(theatre: Stage, tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    """All of it, once."""
    icons = tmp_path_factory.mktemp("icons")
    for coin in (coin_of(0), coin_of(1)):
        (icons / f"{coin}.svg").write_text(STRANGE_ICON, encoding="utf-8")
    past = [Point(NOW - 3600 * hour, Decimal(60_000 + hour)) for hour in range(200, -1, -1)]

    async def build() -> Theatre:
        corpus = await corpus_service(theatre, icons)
        corpus.past.kept = past
        worlds = [await corpus_service(theatre, icons, (text,), text) for text in TEXTS]
        calm = await corpus_service(theatre, icons, CALM)
        calm.past.kept = past
        return Theatre(theatre, corpus, calm, worlds, await Press().open(theatre))

    return theatre.do(build())  # type: ignore[no-any-return]


@dataclass
class Watch:
    """A tab, and what was caught in it."""

    tab: Page
    caught: list[str]


@pytest.fixture
def watch(context: BrowserContext) -> Watch:
    """A tab in which everything is caught, in frames as well."""
    context.add_init_script(WATCHED)
    found = Watch(context.new_page(), [])
    found.tab.on("console", lambda said: found.caught.append(said.text) if said.text.startswith("CAUGHT") else None)
    found.tab.on("dialog", lambda dialog: (found.caught.append(dialog.message), dialog.dismiss()))
    return found


def test_what_is_caught(played: Theatre, watch: Watch) -> None:
    """Were nothing escaped, the corpus would run, ask policies and leave its place: the measure measures."""
    loud = {name: text for name, text in CORPUS.items() if "alert(1)" in text and name != "plaintext"}
    watch.tab.goto(played.page(loud))
    until(lambda: len(watch.caught) > 30, lambda: watch.tab.wait_for_timeout(20))
    assert watch.tab.evaluate(ESCAPED) != []
    assert any("alert" in said for said in watch.caught)
    assert any("script-src" in said for said in watch.caught)


def elements(number: int) -> dict[str, str]:
    """Every kind with every coin, as the custom element."""
    ids = [coin_of(place) for place in range(number)]
    by_six = [",".join(ids[at : at + 6]) for at in range(0, number, 6)]
    by_thirty = [",".join(ids[at : at + 30]) for at in range(0, number, 30)]
    found = {}
    for kind in KINDS:
        for coins in by_six if kind in OF_ONE else by_thirty:
            show = "logo,name,price,symbol,change,spark,cap,volume"
            found[f"{kind} {coins[:8]}"] = (
                f'<market-prices kind="{kind}" coins="{coins}" show="{show}" announce></market-prices>'
            )
    for one in ids[::3]:
        found[f"price {one}"] = f'<market-price coin="{one}" on="2027-01-10"></market-price>'
    return found


def attributes(texts: Mapping[str, str]) -> dict[str, str]:
    """Every text as what is said to an element; more would be a page of tens of thousands of links."""
    return {
        f"{attribute} {name}": f'<market-prices coins="coin-0" {attribute}="{escape(text)}"></market-prices>'
        for name, text in texts.items()
        for attribute in ("title", "kind", "coin")
    }


def drawn(tab: Page) -> None:
    """Wait until every element says something."""
    silent = """() => [...document.querySelectorAll('main > .slot > *')]
      .filter(one => !one.querySelector('[data-kind], .mp-error')).map(one => one.outerHTML)"""
    until(lambda: tab.evaluate(silent) == [])


def built(tab: Page) -> set[str]:
    """What all frames of a tab are built of, but for the tab's own page where it has frames."""
    return {what for frame in tab.frames for what in frame.evaluate(BUILT)}


def script(service: Service) -> str:
    """What puts the element on a page."""
    return f'<link rel="stylesheet" href="{service.origin}/embed.css"><script src="{service.origin}/embed.js"></script>'


def test_elements(played: Theatre, watch: Watch) -> None:
    """As the element draws it, changes it and lets it age, on somebody's page."""
    stage, tab = played.stage, watch.tab
    stage.reset()
    tab.goto(played.page(elements(len(CALM)), script(played.calm)))
    drawn(tab)
    calm = built(tab)
    tab.goto(played.page(elements(len(TEXTS)), script(played.corpus)))
    drawn(tab)
    assert built(tab) - calm == set()
    assert tab.evaluate(ESCAPED) == []

    async def change() -> None:
        for tell in played.corpus.feed.tell:
            tell(poisoned(2, more=1))

    stage.do(change())
    until(lambda: tab.locator("[data-kind=list] .mp-price").first.inner_text() == "$64,251.12")
    assert built(tab) - calm <= {"span[data-moved]"}
    assert tab.evaluate(ESCAPED) == []
    assert watch.caught == []


def test_attributes(played: Theatre, watch: Watch) -> None:
    """What is said to an element reaches our widgets alone, and comes back as text."""
    tab = watch.tab
    played.stage.reset()
    tab.goto(played.page(attributes({"calm": "calm", "refused": "a\x01"}), script(played.calm)))
    drawn(tab)
    calm = built(tab)
    tab.goto(played.page(attributes(CORPUS), script(played.calm)))
    drawn(tab)
    assert built(tab) - calm == set()
    assert tab.evaluate(ESCAPED) == []
    assert watch.caught == []


@pytest.mark.parametrize("path", ["../v1/coins?", "../v1/prices?coins=all&amp;x=", "../v1/explain/coin-0?"])
def test_only_widgets_are_put_on_a_page(played: Theatre, watch: Watch, path: str) -> None:
    """No attribute makes the element take data, in which text is not escaped for HTML, for a widget."""
    tab = watch.tab
    played.stage.reset()
    tab.goto(played.page({path: f'<market-prices kind="{path}"></market-prices>'}, script(played.corpus)))
    drawn(tab)
    assert tab.locator("market-prices").inner_html().startswith('<p class="mp mp-error">')
    assert watch.caught == []


LINES = ("script", "iframe", "wordpress", "ssi", "react")  # as they are: an `onerror` is a word of ESI itself


def fragments(played: Theatre, services: list[Service], names: list[str]) -> dict[str, str]:
    """Every kind as a server includes it."""
    said = iter(played.ask([f"{one.origin}/widget/{kind}?css=link" for one in services for kind in KINDS]))
    return {f"{kind} {name}": next(said).body.decode() for name in names for kind in KINDS}


def test_included(played: Theatre, watch: Watch) -> None:
    """As fragments that the page's own server includes: the operator's title, disclaimer and address are text too."""
    tab, sheet = watch.tab, f'<link rel="stylesheet" href="{played.calm.origin}/embed.css">'
    for kind in KINDS:
        sheet += f'<link rel="stylesheet" href="{played.calm.origin}/embed.css?kind={kind}">'
    calm = fragments(played, [played.calm], ["calm"])
    tab.goto(played.page(calm, sheet))
    expected = built(tab) | {"p[class]", "bdi"}  # of a disclaimer
    tab.goto(played.page(fragments(played, played.worlds, list(CORPUS)), sheet))
    assert built(tab) - expected == set()
    assert tab.evaluate(ESCAPED) == []
    assert watch.caught == []


def test_pasted(played: Theatre, watch: Watch) -> None:
    """As the lines that the builder gives for each door, and oEmbed's: pasted into a page, or made into one by what
    reads them.
    """
    tab, ours = watch.tab, played.corpus.origin
    titles = {name: escaped(text) for name, text in CORPUS.items() if len(text) <= 80 and text.isprintable()}

    def lines(services: Mapping[str, Service], titled: Mapping[str, str]) -> dict[str, str]:
        whose = [(name, one.origin, "") for name, one in services.items()]
        whose += [(f"title {name}", ours, f"title={title}&limit=1&") for name, title in titled.items()]
        found: dict[str, str] = {}
        for door in (*LINES, "markdown"):
            said = played.ask([f"{origin}/snippet/{door}/list?{query}" for _, origin, query in whose])
            read = MarkdownIt("commonmark").render if door == "markdown" else str
            found |= {f"{door} {name}": read(one.body.decode()) for (name, *_), one in zip(whose, said, strict=True)}
        urls = [escaped(f"{origin}/embed/list?{query}") for _, origin, query in whose if origin == ours]
        for (name, *_), one in zip(
            whose[-len(urls) :], played.ask([f"{ours}/oembed?url={url}" for url in urls]), strict=True
        ):
            found[f"oembed {name}"] = msgspec.json.decode(one.body)["html"] if urls else ""
        return {name: html.replace(" async></script>", ' type="no"></script>') for name, html in found.items()}

    tab.goto(played.page(lines({"calm": played.calm}, {"calm": "calm"})))
    calm = built_here(tab)
    tab.goto(played.page(lines(dict(zip(CORPUS, played.worlds, strict=True)), titles)))
    assert built_here(tab) - calm == set()
    assert [one for one in tab.evaluate(ESCAPED) if "stands out" not in one] == []
    assert watch.caught == []


def built_here(tab: Page) -> set[str]:
    """What a tab's own page is built of."""
    return set(tab.main_frame.evaluate(BUILT))


def frames(played: Theatre, tab: Page, urls: list[str]) -> set[str]:
    """What the documents at these addresses are built of, as frames of a page, a few dozen at a time."""
    found: set[str] = set()
    for at in range(0, len(urls), 50):
        html = "".join(f'<iframe src="{escape(url)}" hidden></iframe>' for url in urls[at : at + 50])
        tab.goto(played.press.print(f"<!doctype html><title>Frames</title><body>{html}", ""))
        if urls[0].startswith(played.press.origin):
            inside = f"[...document.querySelectorAll('iframe')].flatMap(one => ({BUILT})(0, one.contentDocument))"
            found |= set(tab.evaluate(f"[...new Set({inside})]"))
        else:
            found |= {what for frame in tab.frames[1:] for what in frame.evaluate(BUILT)}
    return found


def opened(tab: Page, urls: list[str]) -> set[str]:
    """The same of documents that nobody may frame, opened one after the other."""
    found: set[str] = set()
    for url in urls:
        tab.goto(url)
        found |= set(tab.evaluate(BUILT))
    return found


def queries(
    service: Service, doors: Mapping[str, tuple[str, ...]], paths: tuple[str, ...], texts: list[str]
) -> list[str]:
    """Every text as every parameter of every door, and as a step of every path."""
    given = [f"{door}?{name}={escaped(text)}" for door, names in doors.items() for name in names for text in texts]
    given += [path.format(escaped(text)) for path in paths for text in texts]
    return [service.origin + one for one in given]


def distinct(answers: list[Said], content_type: str) -> list[Said]:
    """What differs of the answers of a type."""
    return list({one.body: one for one in answers if one.content_type.startswith(content_type)}.values())


def documents(played: Theatre, answers: list[Said]) -> list[str]:
    """The addresses of those that are pages and pictures."""
    kept = [*distinct(answers, "text/html"), *distinct(answers, "image/svg+xml")]
    return [played.press.again(one, "http://127.0.0.1:*") for one in kept]


OWN = (
    *(f"/embed/{kind}" for kind in KINDS),
    "/",
    "/?coins=coin-0",
    "/gallery",
    "/badge/coin-0.svg",
    "/badge/coin-2.svg",
)


def calm_documents(played: Theatre, tab: Page) -> set[str]:
    """What they are built of where everyone is kind."""
    if played.calm_built:
        return played.calm_built
    said = played.ask([played.calm.origin + path for path in OWN] + queries(played.calm, PARAMETERS, PATHS, ["wrong"]))
    more = {"p[class]", "bdi"}  # a disclaimer
    played.calm_built = frames(played, tab, documents(played, said)) | more
    return played.calm_built


def test_documents(played: Theatre, watch: Watch) -> None:
    """As pages and pictures of ours with every coin, icon and credit."""
    tab = watch.tab
    by_six = [",".join(ALL[at : at + 6]) for at in range(0, len(ALL), 6)]
    many = [f"/embed/{kind}?coins={coins}&css=none" for kind in OF_ONE for coins in by_six]
    answers = played.ask(
        [played.corpus.origin + path for path in (*OWN, *many, *(f"/badge/{coin}.svg" for coin in ALL))]
    )
    assert {one.status for one in answers} == {200}
    assert frames(played, tab, documents(played, answers)) - calm_documents(played, tab) == set()
    assert watch.caught == []


def test_operators(played: Theatre, watch: Watch) -> None:
    """As pages of every operator who wrote a text for a title, a disclaimer and the path of the public address."""
    tab = watch.tab
    answers = played.ask([one.origin + OWN[place % len(KINDS)] for place, one in enumerate(played.worlds)])
    answers += played.ask([one.origin + "/?door=markdown&coins=coin-0" for one in played.worlds])
    assert {one.status for one in answers} == {200}
    assert frames(played, tab, documents(played, answers)) - calm_documents(played, tab) == set()
    assert watch.caught == []


def test_parameters(played: Theatre, watch: Watch) -> None:
    """As whatever comes back for every value of every parameter, and for every step of a path."""
    tab = watch.tab
    answers = played.ask(queries(played.calm, PARAMETERS, PATHS, list(TEXTS)))
    assert {one.status for one in answers} <= {200, 400, 404, 414}
    assert frames(played, tab, documents(played, answers)) - calm_documents(played, tab) == set()
    assert watch.caught == []


def test_under_our_own_policies(played: Theatre, watch: Watch) -> None:
    """The pages themselves, opened, with what they send along: no policy is broken on them; badges are images."""
    tab, ours = watch.tab, played.corpus.origin
    for path in (*(f"/embed/{kind}" for kind in KINDS), "/", "/gallery", "/badge/coin-3.svg", "/icons/coin-0.svg"):
        tab.goto(ours + path)
        assert tab.locator("a[href^='javascript' i], [onerror], [onload]:not(svg)").count() == 0, path
    images = "".join(f'<img src="{ours}/badge/{coin}.svg">' for coin in ALL)
    images += "".join(f'<img src="{one.origin}/badge/coin-0.svg">' for one in played.worlds)
    tab.goto(played.press.print(f"<!doctype html><title>Images</title>{images}", ""))
    assert tab.evaluate("[...document.images].filter(one => !one.naturalWidth).map(one => one.src)") == []
    assert watch.caught == []


def test_builder_with_script(played: Theatre, watch: Watch) -> None:
    """Each title that is typed is drawn, and its line shown, as text."""
    tab = watch.tab
    tab.goto(f"{played.corpus.origin}/?coins=coin-0")
    calm = built_here(tab)
    for door in ("script", "markdown"):
        tab.locator(f'label:has([name=door][value="{door}"])').click()
        for text in [one for one in TEXTS if len(one) <= 80 and one.isprintable()][:: 1 if door == "script" else 8]:
            tab.evaluate(
                """text => { const field = document.querySelector('[name=title]'); field.value = text
                  field.dispatchEvent(new Event('change', {bubbles: true})) }""",
                text,
            )
        shown = escaped(text) if door == "markdown" else text
        until(lambda shown=shown: shown in unescape(tab.locator(".line code").inner_text()))  # type: ignore[misc]
        until(lambda: tab.locator(".stage .mp-row").count() == 1)
        assert built_here(tab) - calm <= {"div[style]", "section[title]", "market-prices[title]"}  # by script
    assert watch.caught == []


def test_data(played: Theatre, watch: Watch) -> None:
    """JSON and plain text opened as pages are shown, and nothing else: `nosniff` is on every answer."""
    tab, ours = watch.tab, played.corpus.origin
    paths = ["/v1/prices?coins=all&locale=de", "/v1/coins", "/v1/explain/coin-0", "/v1/explain/coin-1"]
    paths += ["/v1/openapi.json", "/snippet/markdown/list", "/snippet/php/list", "/v1/history/coin-0"]
    paths += [f"/badge/{coin}.json" for coin in ALL[::4]]
    calm = opened(tab, [played.calm.origin + path for path in ("/v1/coins", "/snippet/ssi/list")])
    assert "pre" in calm
    calm |= {"a change of direction"}  # whoever takes data shows it as it likes
    assert opened(tab, [ours + path for path in paths]) - calm == set()
    answers = played.ask(queries(played.corpus, DATA, DATA_PATHS, list(TEXTS)))
    kinds = {one.content_type.partition(";")[0] for one in answers}
    assert kinds <= {"application/json", "text/plain", "text/event-stream", "image/svg+xml"}
    assert {one.status for one in answers} <= {200, 400, 404, 414, 422, 501}
    loud = [
        one
        for one in answers
        if b"<" in one.body and "image" not in one.content_type and "stream" not in one.content_type
    ]
    assert opened(tab, [one.url for one in distinct(loud, "")][:80]) - calm == set()
    assert watch.caught == []


@pytest.mark.skipif(shutil.which("php") is None, reason="no php on the path")
def test_php_reads_our_lines(played: Theatre) -> None:
    """Whatever the title, a line of PHP is one call that brings the widget, and nothing around it."""
    titles = [text for text in TEXTS if len(text) <= 80 and text.isprintable()]
    asked = [f"{played.calm.origin}/snippet/php/label?coins=coin-0&title={escaped(text)}" for text in titles]
    source = "\n".join(one.body.decode().strip() + "|" for one in played.ask(asked))
    done = subprocess.run(["php"], input=source, capture_output=True, text=True, timeout=50, check=True)
    drawn_ = done.stdout.split("|")[:-1]
    assert len(drawn_) == len(titles)
    assert all(one.count("<section") == 1 and one.endswith("</section>") for one in drawn_)

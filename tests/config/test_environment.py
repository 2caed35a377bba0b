"""The environment: every setting has its variable, typos are refused, and secrets come from nowhere else."""

import pytest

from ticker.config import SECTIONS, SOURCE_KINDS, check, load, settings
from ticker.config.environment import variables
from ticker.config.layers import known
from ticker.sources import REGISTRY


def sentences(folder, environ):
    """All refusals of an environment."""
    return [str(error) for error in check(folder, environ)]


def test_every_setting_has_its_variable():
    """TICKER_SECTION_KEY for all sections, TICKER_SOURCES_NAME_KEY for all sources, _FILE for secrets only."""
    names = variables(known(REGISTRY))
    expected = {f"TICKER_{one.section}_{one.name}".upper() for one in settings()}
    expected |= {f"TICKER_SOURCES_{name}_{key}".upper() for name in REGISTRY for key in (*SOURCE_KINDS, "key")}
    expected |= {f"TICKER_SOURCES_{name}_KEY_FILE".upper() for name in REGISTRY}
    expected |= {"TICKER_STORE_URL_FILE", "TICKER_ALERTS_WEBHOOK_FILE"}
    assert set(names) == expected


@pytest.mark.parametrize(
    ("variable", "text", "section", "name", "value"),
    [
        ("TICKER_SERVER_PORT", "9000", "server", "port", 9000),
        ("TICKER_SERVER_ACCESS_LOG", "Yes", "server", "access_log", True),
        ("TICKER_SERVER_FAST_LANE", "0", "server", "fast_lane", False),
        (
            "TICKER_SERVER_TRUSTED_PROXIES",
            "10.1.2.3, fd00::/8",
            "server",
            "trusted_proxies",
            ("10.1.2.3/32", "fd00::/8"),
        ),
        (
            "TICKER_SERVER_PUBLIC_URL",
            "https://example.org/prices/",
            "server",
            "public_url",
            "https://example.org/prices",
        ),
        ("TICKER_STORE_URL", "redis://:pw@cache:6379/0", "store", "url", "redis://:pw@cache:6379/0"),
        ("TICKER_CONSENSUS_PUBLISH_EVERY", "500ms", "consensus", "publish_every", 0.5),
        ("TICKER_DISPLAY_TITLE", "7", "display", "title", "7"),
    ],
)
def test_a_variable_sets_its_setting(folder, variable, text, section, name, value):
    """Texts become what the setting is made of."""
    assert getattr(getattr(load(folder, {variable: text}), section), name) == value


def test_a_variable_of_a_source(folder):
    """A source can be pointed elsewhere and paced by the environment alone."""
    environ = {
        "TICKER_SOURCES_KRAKEN_BASE_URL": "http://127.0.0.1:9000/kraken/",
        "TICKER_SOURCES_KRAKEN_ALLOW_PRIVATE": "true",
        "TICKER_SOURCES_KRAKEN_EVERY": "2s",
    }
    kraken = load(folder, environ).sources["kraken"]
    assert (kraken.base_url, kraken.every, kraken.allow_private) == ("http://127.0.0.1:9000/kraken", 2.0, True)


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("TICKER_SERVER_PROT", "TICKER_SERVER_PROT = '1': unknown variable; did you mean \"TICKER_SERVER_PORT\"?"),
        (
            "TICKER_SOURCES_KRAKN_EVERY",
            "TICKER_SOURCES_KRAKN_EVERY = '1': unknown variable; did you mean \"TICKER_SOURCES_KRAKEN_EVERY\"?",
        ),
        ("TICKER_STORE", "TICKER_STORE = '1': unknown variable; did you mean \"TICKER_STORE_URL\"?"),
        ("TICKER_SOURCES_KRAKEN_KEY", "TICKER_SOURCES_KRAKEN_KEY: Kraken takes no key"),
        ("TICKER_SERVER_PORT", None),
    ],
)
def test_unknown_variables_of_known_sections_are_refused(folder, variable, sentence):
    """A typo is named together with the nearest variable there is."""
    assert sentences(folder, {variable: "1"}) == ([f"environment: {sentence}"] if sentence else [])


def test_variables_of_others_are_left_alone(folder):
    """What Kubernetes and the command line put under TICKER_ is none of our business, and empty means not set."""
    environ = {
        "TICKER_SERVICE_HOST": "10.0.0.1",
        "TICKER_PORT": "tcp://10.0.0.1:80",
        "TICKER_SERVER_PORT": "",
        "PATH": "x",
    }
    assert sentences(folder, environ) == []
    assert load(folder, environ).server.port == 8080


def test_a_key_from_the_environment(folder):
    """A key is taken trimmed, and picks the first plan that takes one."""
    source = load(folder, {"TICKER_SOURCES_COINGECKO_KEY": " CG-planted\n"}).sources["coingecko"]
    assert source.key is not None
    assert source.key.reveal() == "CG-planted"
    assert source.plan == "demo"


def test_a_key_from_a_file(folder):
    """A key may stand in a file, as containers hand over their secrets."""
    (folder / "key").write_text("CG-planted\n")
    source = load(folder, {"TICKER_SOURCES_COINGECKO_KEY_FILE": str(folder / "key")}).sources["coingecko"]
    assert source.key is not None
    assert source.key.reveal() == "CG-planted"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: no such file"),
        (b"", "the file is empty"),
        (b"planted\xff", "not UTF-8: byte 7 cannot be read as text"),
        (b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_key_file_that_does_not_do(folder, content, reason):
    """The variable and the path are named, and never what is in the file."""
    path = folder / "key"
    if content is not None:
        path.write_bytes(content)
    (found,) = check(folder, {"TICKER_SOURCES_COINGECKO_KEY_FILE": str(path)})
    assert (found.key, found.reason) == ("TICKER_SOURCES_COINGECKO_KEY_FILE", reason)
    assert str(found.value).startswith(str(path)[:50])


def test_a_key_twice(folder):
    """A key and a file of a key are one too many."""
    environ = {"TICKER_SOURCES_COINGECKO_KEY": "planted", "TICKER_SOURCES_COINGECKO_KEY_FILE": "/run/secrets/key"}
    assert sentences(folder, environ) == [
        "environment: TICKER_SOURCES_COINGECKO_KEY_FILE = '/run/secrets/key': "
        "TICKER_SOURCES_COINGECKO_KEY is set too; keep one of them"
    ]


@pytest.mark.parametrize(
    "environ",
    [
        {"TICKER_SOURCES_COINGECKO_KEY": "planted\r\nX-Evil: 1"},
        {"TICKER_SOURCES_COINGECKO_KEY": "plantedä"},
        {"TICKER_SOURCES_KRAKEN_KEY": "planted"},
        {"TICKER_SOURCES_COINGECKO_API_KEY": "planted"},
        {"TICKER_STORE_URL": "redis//:planted@cache"},
        {"TICKER_ALERTS_WEBHOOK": "hooks.example.org/planted"},
    ],
)
def test_no_refusal_shows_a_secret(folder, environ):
    """A wrong secret is refused without being shown."""
    (found,) = check(folder, environ)
    assert "planted" not in f"{found}{found.value}{found.reason}"


def test_no_loaded_value_shows_a_secret(folder):
    """The whole configuration can be printed."""
    environ = {
        "TICKER_SOURCES_COINGECKO_KEY": "planted",
        "TICKER_STORE_URL": "redis://me:planted@cache:6379/0?password=planted",
        "TICKER_ALERTS_WEBHOOK": "https://hooks.example.org/planted",
    }
    config = load(folder, environ)
    assert "planted" not in f"{config!r}{config.store}{config.alerts}{config.sources}{config.version}"
    assert set(SECTIONS) < set(type(config).__struct_fields__)

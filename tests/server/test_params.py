"""What may be asked: every parameter, its bound and its refusal (design §7 Parameters; trust rule 31)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.server.params import DEFAULTS, Ask, Defaults, RequestError, prices, stream, widget

Query = list[tuple[str, str]]


def test_nothing_asked_is_the_operators_choice() -> None:
    """Defaults come from ticker.toml."""
    chosen = Defaults("Kurse", "usd", "de", "dark")

    assert widget([], None, chosen) == Ask(title="Kurse", locale="de", theme="dark")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("coins", "", "bad_parameter"),
        ("coins", "BTC", "bad_parameter"),
        ("coins", "bitcoin,,monero", "bad_parameter"),
        ("coins", "a" * 65, "bad_parameter"),
        ("coins", ",".join(f"c{i}" for i in range(31)), "too_many"),
        ("coins", "all,bitcoin/../x", "bad_parameter"),
        ("currency", "xyz", "bad_parameter"),
        ("currency", "USD", "bad_parameter"),
        ("locale", "klingon", "bad_parameter"),
        ("locale", "xx", "bad_parameter"),
        ("locale", "../../etc", "bad_parameter"),
        ("locale", "", "bad_parameter"),
        ("theme", "pink", "bad_parameter"),
        ("change", "30d", "bad_parameter"),
        ("show", "price,cats", "bad_parameter"),
        ("show", "", "bad_parameter"),
        ("limit", "0", "bad_parameter"),
        ("limit", "31", "bad_parameter"),
        ("limit", "-1", "bad_parameter"),
        ("limit", "١", "bad_parameter"),
        ("limit", "1e1", "bad_parameter"),
        ("title", "x" * 81, "bad_parameter"),
        ("title", "a\u202eb", "bad_parameter"),
        ("title", "a\nb", "bad_parameter"),
        ("css", "evil", "bad_parameter"),
    ],
)
def test_a_wrong_value_of_a_known_name_is_refused(name: str, value: str, code: str) -> None:
    """With its code and its name."""
    with pytest.raises(RequestError) as caught:
        widget([(name, value)], None, DEFAULTS)

    assert (caught.value.code, caught.value.param) == (code, name)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([("coins", "monero,bitcoin,monero")], Ask(coins=("monero", "bitcoin"), title=DEFAULTS.title)),
        ([("limit", "5")], Ask(limit=5, title=DEFAULTS.title)),
        ([("locale", "pt_BR")], Ask(locale="pt-BR", title=DEFAULTS.title)),
        ([("locale", "pt-br")], Ask(locale="pt-BR", title=DEFAULTS.title)),
        ([("show", "price,name,price")], Ask(show=("price", "name"), title=DEFAULTS.title)),
        ([("title", "")], Ask(title="")),
        (
            [("css", "none"), ("theme", "dark"), ("change", "7d")],
            Ask(css="none", theme="dark", change="7d", title=DEFAULTS.title),
        ),
    ],
)
def test_right_values_become_canonical(query: Query, expected: Ask) -> None:
    """Order of coins stays, doubles go, locales have one spelling."""
    assert widget(query, None, DEFAULTS) == expected


def test_an_unknown_name_is_ignored() -> None:
    """It never enters a key: the ask is the same as without it."""
    assert widget([("utm_source", "x"), ("cb", "17")], None, DEFAULTS) == widget([], None, DEFAULTS)


def test_a_name_given_twice_is_refused() -> None:
    """Which one would win is nobody's guess."""
    with pytest.raises(RequestError):
        widget([("theme", "dark"), ("theme", "light")], None, DEFAULTS)


def test_a_coin_in_the_path_is_the_only_coin() -> None:
    """It excludes `coins`, and is checked like one."""
    assert widget([], "monero", DEFAULTS).coins == ("monero",)
    with pytest.raises(RequestError):
        widget([("coins", "bitcoin")], "monero", DEFAULTS)
    with pytest.raises(RequestError) as caught:
        widget([], "XMR", DEFAULTS)
    assert caught.value.code == "unknown_coin"


def test_json_takes_250_coins_or_all() -> None:
    """`all` belongs to /v1 only."""
    many = [f"c{i}" for i in range(250)]

    assert prices([("coins", "all")], None, DEFAULTS).coins == ()
    assert prices([("coins", ",".join(many))], None, DEFAULTS).coins == tuple(many)
    with pytest.raises(RequestError) as caught:
        prices([("coins", ",".join([*many, "one-more"]))], None, DEFAULTS)
    assert caught.value.code == "too_many"
    assert widget([("coins", "all")], None, DEFAULTS).coins == ("all",)


@given(
    st.lists(
        st.tuples(st.sampled_from(["coins", "limit", "locale", "show", "title", "css", "zzz"]), st.text()), max_size=4
    )
)
def test_any_query_is_an_ask_or_a_refusal(query: Query) -> None:
    """No text makes anything else happen."""
    known = [(name, value) for name, value in query if name != "zzz"]

    assert outcome(query) == outcome(known)
    assert isinstance(outcome(query), Ask) or outcome(query) in ("bad_parameter", "too_many")


def outcome(query: Query) -> Ask | str:
    """The ask, or the code of the refusal."""
    try:
        return widget(query, None, DEFAULTS)
    except RequestError as error:
        return error.code


def test_a_stream_of_the_same_coins_is_the_same_stream() -> None:
    """In whatever order they are named; title and the like do not matter."""
    one = stream([("coins", "monero,bitcoin,monero"), ("locale", "DE"), ("title", "x"), ("limit", "1")], DEFAULTS)

    assert one == stream([("locale", "de"), ("coins", "bitcoin,monero")], DEFAULTS)
    assert one == Ask(coins=("bitcoin", "monero"), locale="de", texts=True)


def test_text_is_only_there_in_a_language() -> None:
    """Without a locale numbers are numbers, whatever language the operator's widgets speak."""
    german = Defaults(locale="de", currency="eur")

    assert stream([], german) == prices([], None, german) == Ask(currency="eur")
    assert stream([("coins", "all")], german).coins == ()
    assert prices([("locale", "en")], None, german) == Ask(currency="eur", locale="en", texts=True)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("coins", ",".join(f"c{i}" for i in range(251)), "too_many"),
        ("coins", "BTC", "bad_parameter"),
        ("currency", "USD", "bad_parameter"),
        ("locale", "", "bad_parameter"),
    ],
)
def test_a_stream_refuses_what_all_doors_refuse(name: str, value: str, code: str) -> None:
    """With the parameter's name."""
    with pytest.raises(RequestError) as caught:
        stream([(name, value)], DEFAULTS)

    assert (caught.value.code, caught.value.param) == (code, name)

"""docs/http-reference.md is what the OpenAPI says, of every door and every body."""

from docs.http_reference import PAGE, page

from ticker.server.openapi import document


def test_the_page_is_what_the_code_says() -> None:
    """Where it is not: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_nothing_is_left_out() -> None:
    """Each path, each parameter, each schema has its place."""
    found, text = document("https://prices.example", dialect=True), page()
    for path, item in found["paths"].items():
        section = text.partition(f"### `{path}`\n")[2].partition("\n###")[0]
        assert all(f"| `{one['name']}` |" in section for one in item["get"]["parameters"]), path
    for name, schema in found["components"]["schemas"].items():
        section = text.partition(f"\n### {name}\n")[2].partition("\n###")[0]
        assert section, name
        assert all(f"| `{key}` |" in section for key in schema.get("properties", {})), name

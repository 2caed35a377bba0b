"""Writes docs/http-reference.md from the OpenAPI: every door, its parameters, its refusals, every body key by key.

make docs
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docs.configuration import table

from ticker.server.openapi import document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "http-reference.md"
INTRODUCTION = """# HTTP reference

Every door with an answer for programs, and every body key by key. What they mean, with examples, is in
[http.md](http.md); the same for machines is `/v1/openapi.json` on every server (OpenAPI 3.1), against which the tests
hold each answer.

All are `GET` (or `HEAD`), with CORS for every origin. What can be cached has an `ETag`; ask again with `If-None-Match`
for a `304`. A refusal is `{"error": {"code", "message"}}`; its status is named beside each door.

Written from the code by `make docs`; a test fails where it is not what the code says.
"""
_SHORT = 12  # choices that are named


def page() -> str:
    """The whole page."""
    found = document("https://prices.example", dialect=True)
    components = found["components"]
    parts = [INTRODUCTION, "## Doors\n"]
    for path, item in found["paths"].items():
        parts.append(_door(path, item["get"], components))
    parts.append("## Refusals\n\n" + table(("status", "when"), _refusals(found["paths"], components)))
    parts.append("## Bodies\n")
    for name, schema in components["schemas"].items():
        parts.append(_body(name, schema))
    return "\n".join(parts)


def _door(path: str, door: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    given = [_parameter(one) for one in door["parameters"]]
    responses = door["responses"]
    contents = responses["200"].get("content", {})
    answer = ", ".join(f"`{kind}`{_of(content['schema'])}" for kind, content in contents.items())
    refusals = ", ".join(f"`{status}`" for status in responses if status not in ("200", "304"))
    lines = [
        f"### `{path}`\n",
        _sentence(door["summary"]),
        f"\nAnswers {answer}. Refuses with {refusals or 'nothing'}.\n",
    ]
    if given:
        lines.append(table(("parameter", "where", "is", "what for"), given))
    return "\n".join(lines)


def _of(schema: Mapping[str, Any]) -> str:
    said = _type(schema)
    return "" if said in ("text", "any") else f": {said}"


def _parameter(one: Mapping[str, Any]) -> tuple[str, ...]:
    where = one["in"] + (", needed" if one.get("required") else "")
    return f"`{one['name']}`", where, _type(one["schema"]), _sentence(one.get("description", ""))


def _refusals(paths: Mapping[str, Any], components: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """Each status, and the sentences of its kinds."""
    said: dict[str, dict[str, None]] = {}
    for item in paths.values():
        for status, response in item["get"]["responses"].items():
            if status in ("200", "304"):
                continue
            meant = components["responses"][response["$ref"].rpartition("/")[2]] if "$ref" in response else response
            said.setdefault(status, {})[_sentence(meant["description"])] = None
    return [(f"`{status}`", " ".join(sentences)) for status, sentences in sorted(said.items())]


def _body(name: str, schema: Mapping[str, Any]) -> str:
    about = _sentence(schema.get("description", ""))
    head = f"### {name}\n\n" + (about + "\n" if about else "")
    rows = list(_keys(schema))
    if rows:
        heading: tuple[str, ...] = ("key", "is", "what it says")
        if not any(row[2] for row in rows):
            heading, rows = heading[:2], [row[:2] for row in rows]
        return head + ("\n" if about else "") + table(heading, rows)
    return head + ("\n" if about else "") + f"{_sentence(_type(schema)[:1].upper() + _type(schema)[1:])}\n"


def _keys(schema: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, ...]]:
    """The keys of an object; those of one inside it behind a point."""
    needed = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        rare = "" if name in needed else ", may be missing"
        yield f"`{before}{name}`", _type(one) + rare, _sentence(one.get("description", ""))
        inner = one.get("items") or one if one.get("type") == "array" else one
        yield from _keys(inner, f"{before}{name}{'[]' if inner is not one else ''}.")


def _type(schema: Mapping[str, Any]) -> str:
    """In a word or two."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(_type(one) for one in schema.get("anyOf") or schema["oneOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        values = schema["enum"]
        more = f" and {len(values) - _SHORT} more" if len(values) > _SHORT else ""
        return " · ".join(f"`{one}`" for one in values[:_SHORT]) + more
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return f"list of {' and '.join(_type(one) for one in schema['prefixItems'])}"
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {_type(schema['additionalProperties'])}"
        case "integer" | "number" as kind:
            return _bounded(kind, schema)
        case "string":
            return "text" + (f" like `{schema['examples'][0]}`" if schema.get("examples") else "")
        case "boolean":
            return "true or false"
        case list() as kinds:
            return " or ".join(kinds)
        case None:
            return "any"
        case kind:
            return str(kind)


def _bounded(kind: str, schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{kind} from {least} to {most}"
    return kind


def _sentence(text: str) -> str:
    """With its point, and on one line."""
    text = " ".join(text.split())
    return text if not text or text.endswith((".", ":", "?")) else text + "."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")

"""JMESPath over exact numbers: what people write to say where an answer has what.

JMESPath's own reader knows floats only; here every number of an answer and of an expression is a `Decimal`. Knows no
source and no configuration.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
from jmespath import compile as compile_path
from jmespath import functions
from jmespath.exceptions import JMESPathError
from jmespath.functions import signature
from jmespath.parser import ParsedResult
from jmespath.visitor import Options

from ticker.sources.values import number

LONGEST = 500
DEEPEST = 64

_LONGEST_REASON = 160
_TYPES = {"Decimal": "number", "int": "number", "str": "string", "bool": "boolean", "list": "array", "dict": "object"}
# What an expression and an answer that do not fit each other lead to: comparing text with numbers, dividing by zero.
_MISFITS = (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


class Expression:
    """A JMESPath expression, ready to search. Raises ValueError with the reason for a text that is none."""

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("must not be empty")
        if len(text) > LONGEST:
            raise ValueError(f"must have at most {LONGEST} characters")
        try:
            parsed = compile_path(text).parsed
        except (JMESPathError, RecursionError) as error:
            raise ValueError(f"is not a JMESPath expression{_where(error)}") from error
        _check_functions(parsed)
        self._parsed = ParsedResult(text, _exact(parsed))

    def search(self, tree: object) -> Any:  # noqa: ANN401 - an expression may give anything
        """What it finds in a decoded answer; None where that has nothing there. Raises ValueError for a misfit."""
        try:
            return self._parsed.search(tree, _OPTIONS)
        except _MISFITS as error:
            raise ValueError(
                f"{self._parsed.expression} does not fit the answer: {' '.join(str(error).split())}"
            ) from error


def decode(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """A JSON answer with `Decimal` numbers; a number longer or larger than any price is a text.

    Raises ValueError for what is not JSON, names a key twice, or nests deeper than 64.
    """
    tree = json.loads(
        body.decode("utf-8"),
        parse_float=_number,
        parse_int=_number,
        parse_constant=_refuse,
        object_pairs_hook=_object,
    )
    level = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in _children(node)]
        if not level:
            return tree
    raise ValueError(f"nested deeper than {DEEPEST}")


def _children(node: object) -> Iterator[object]:
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return (child for child in inside if isinstance(child, dict | list))


def _number(text: str) -> Decimal | str | None:
    try:
        return number(text)
    except msgspec.ValidationError:
        return text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a key twice")
    return found


def _exact(node: Any) -> Any:  # noqa: ANN401 - a tree of JMESPath's parser
    """The same tree with exact numbers in its literals."""
    if isinstance(node, list):
        return [_exact(child) for child in node]
    if isinstance(node, dict):
        return {key: _exact(child) for key, child in node.items()}
    return Decimal(repr(node)) if isinstance(node, float) else node


def _check_functions(node: Any) -> None:  # noqa: ANN401 - a tree of JMESPath's parser
    """JMESPath finds out about unknown functions and missing arguments only when an answer comes; we do before."""
    if node["type"] == "function_expression":
        known = _Functions.FUNCTION_TABLE.get(node["value"])
        if known is None:
            raise ValueError(f"is not a JMESPath expression: there is no function {node['value']}()")
        takes, given = len(known["signature"]), len(node["children"])
        if given < takes or (given > takes and not known["signature"][-1].get("variadic")):
            raise ValueError(f"is not a JMESPath expression: {node['value']}() takes {takes}, not {given}")
    for child in node["children"]:
        if isinstance(child, dict):
            _check_functions(child)


def _where(error: Exception) -> str:
    position = getattr(error, "lex_position", None)
    return "" if position is None else f": it cannot be read from character {position + 1} on"


class _Functions(functions.Functions):  # type: ignore[misc]
    """JMESPath's functions, for which a `Decimal` is a number."""

    def _get_allowed_pytypes(self, types: list[str]) -> tuple[list[str], list[tuple[str, ...]]]:
        whole, parts = super()._get_allowed_pytypes(types)
        return (
            [*whole, "Decimal"] if "float" in whole else whole,
            [(*part, "Decimal") if "float" in part else part for part in parts],
        )

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return _TYPES.get(pyobject, "null")

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_number(self, arg: object) -> Decimal | None:
        if isinstance(arg, str):
            found = _number(arg)
            return found if isinstance(found, Decimal) else None
        return arg if isinstance(arg, Decimal) else None

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, arg: object) -> str:
        if isinstance(arg, str):
            return arg
        return format(arg, "f") if isinstance(arg, Decimal) else json.dumps(arg, separators=(",", ":"), default=str)

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_type(self, arg: object) -> str:
        return _TYPES.get(type(arg).__name__, "null")


_OPTIONS = Options(custom_functions=_Functions())

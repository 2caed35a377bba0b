"""Decoding an answer at once, and row by row where a row in it is odd: one new market must not cost us all others.

Knows no source and no price. A row is odd that its type does not fit; what its cells say is read elsewhere.
"""

from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from msgspec import DecodeError, Raw, ValidationError, json

Answer = TypeVar("Answer")
MOST_ROWS = 20_000  # several times the longest list there is; more are not worth the time of reading them one by one

_object = json.Decoder(dict[str, Raw])
_rows = json.Decoder(list[Raw] | dict[str, Raw])
_id = json.Decoder(str | int)


class Answers(Generic[Answer]):
    """The answers of a source whose rows are a list, or an object by name, found by going down the keys of `path`.

    `whole` decodes an answer, `row` is the type of its rows, and `id_at` the key or the place of the id in a row; a
    row's name in an object is its id as well.
    """

    def __init__(self, whole: json.Decoder[Answer], row: type[object], id_at: str | int, *path: str) -> None:
        self._whole, self._id_at, self._path = whole, id_at, path
        self._row: json.Decoder[object] = json.Decoder(row)

    def decode(self, body: bytes, wanted: AbstractSet[str]) -> Answer:
        """The answer, without its odd rows where none of these is wanted and they are half of all rows at most.

        Raises `msgspec.ValidationError` where they are not, and msgspec's other errors for what is no JSON.
        """
        try:
            return self._whole.decode(body)
        except ValidationError as error:
            rest = self._without_odd(Raw(body), self._path, wanted, error)
        return self._whole.decode(rest)

    def _without_odd(self, node: Raw, path: tuple[str, ...], wanted: AbstractSet[str], error: ValidationError) -> bytes:
        if path:
            cells = _object.decode(node)
            if path[0] in cells:
                cells[path[0]] = Raw(self._without_odd(cells[path[0]], path[1:], wanted, error))
            return json.encode(cells)
        rows = _rows.decode(node)
        if len(rows) > MOST_ROWS:
            raise error
        named = list(rows.items()) if isinstance(rows, dict) else [("", row) for row in rows]
        kept = [(name, row) for name, row in named if self._fits(name, row, wanted)]
        if 2 * len(kept) < len(named):
            raise ValidationError(f"{len(named) - len(kept)} of {len(named)} rows are odd: {error}") from error
        return json.encode(dict(kept) if isinstance(rows, dict) else [row for _, row in kept])

    def _fits(self, name: str, row: Raw, wanted: AbstractSet[str]) -> bool:
        try:
            self._row.decode(row)
        except ValidationError:
            if name in wanted or self._id_of(row) in wanted:
                raise
            return False
        return True

    def _id_of(self, row: Raw) -> str:
        try:
            cells = _rows.decode(row)
            named = dict(enumerate(cells)) if isinstance(cells, list) else cells
            return str(_id.decode(named.get(self._id_at, b"")))
        except DecodeError:
            return ""

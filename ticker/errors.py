"""Every error the service raises on purpose, and one sentence each that a stranger may read.

TickerError
├── ConfigError          a file says something wrong: file, line, key, value, reason
├── SourceError          a source gave no usable answer; `slug` counts it, `permanent` says retrying is no use
│   ├── Unreachable      no connection, or it broke
│   ├── TimedOut         connected or not, no whole answer within the deadline
│   ├── TooLarge         more bytes than the source's answers ever have
│   ├── Redirected       it points elsewhere; we never follow
│   ├── RateLimited      asked too often; `retry_after` seconds where it says so
│   ├── Refused          it does not serve us: key, plan, region, ban
│   ├── NotFound         the address or an id in it is gone
│   ├── ServerFailed     its own fault, 5xx
│   ├── Malformed        an answer that is not of the documented shape
│   └── ForbiddenAddress its address is one we must not call
└── StoreError           the store cannot be read or written
    ├── StoreDown        it does not answer
    │   ├── StoreBusy    the embedded one belongs to another process
    │   └── DiskTrouble  the embedded one's disk takes nothing: full, read-only, failing
    ├── StoreCorrupt     it answers with what we did not write
    └── Fenced           another, newer poller writes to it
"""

from ticker.model import SourceName

LONGEST_CAUSE = 160  # characters


def words(text: str) -> str:
    """What a stranger said, fit for a log: one line of printable text, `LONGEST_CAUSE` characters at most."""
    printable = "".join(one if one.isprintable() else " " for one in text[: 4 * LONGEST_CAUSE])
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST_CAUSE else line[: LONGEST_CAUSE - 1] + "…"


class TickerError(Exception):
    """Anything that this service expects to go wrong."""


class ConfigError(TickerError):
    """A configuration that is refused whole: where, what, and why.

    `value` is left out for secrets. `line` is None where the value came from the environment.
    """

    def __init__(
        self, file: str, key: str, reason: str, *, line: int | None = None, value: object | None = None
    ) -> None:
        self.file, self.key, self.reason, self.line, self.value = file, key, reason, line, value
        where = file if line is None else f"{file}:{line}"
        what = key if value is None else f"{key} = {value!r}"
        super().__init__(f"{where}: {what}: {reason}")


class SourceError(TickerError):
    """A source gave no usable answer. `cause` is for the log, the class docstring's first line for everyone.

    A cause may quote the source: whatever is given, it is one line of printable text, `LONGEST_CAUSE` at most.
    """

    slug = "error"
    permanent = False

    def __init__(self, source: SourceName, cause: str = "", *, retry_after: float | None = None) -> None:
        self.source, self.cause, self.retry_after = source, words(cause), retry_after
        sentence = (type(self).__doc__ or "").splitlines()[0].rstrip(".")
        super().__init__(f"{source}: {sentence}" + (f": {self.cause}" if self.cause else ""))


class Unreachable(SourceError):
    """No connection to it, or the connection broke."""

    slug = "unreachable"


class TimedOut(SourceError):
    """No whole answer within the deadline."""

    slug = "timeout"


class TooLarge(SourceError):
    """The answer is larger than its answers ever are."""

    slug = "too_large"


class Redirected(SourceError):
    """It points to another address, and we follow none."""

    slug = "redirected"
    permanent = True


class RateLimited(SourceError):
    """It says we ask too often."""

    slug = "rate_limited"


class Refused(SourceError):
    """It refuses to serve us."""

    slug = "refused"
    permanent = True


class NotFound(SourceError):
    """It does not know what we ask for."""

    slug = "not_found"
    permanent = True


class ServerFailed(SourceError):
    """It fails on its own side."""

    slug = "server_failed"


class Malformed(SourceError):
    """Its answer is not of the documented shape."""

    slug = "malformed"


class ForbiddenAddress(SourceError):
    """Its address is one we must not call."""

    slug = "forbidden_address"
    permanent = True


class StoreError(TickerError):
    """The store cannot be used."""


class StoreDown(StoreError):
    """The store does not answer."""


class StoreBusy(StoreDown):
    """The embedded store belongs to another process."""


class DiskTrouble(StoreDown):
    """The disk of the embedded store takes nothing at present."""


class StoreCorrupt(StoreError):
    """The store answers with something we did not write."""


class Fenced(StoreError):
    """Another, newer poller writes to this store."""

"""How the service writes its log: lines for people, or one JSON object a line for machines; never a secret.

Every line that is written while a request is answered bears that request's name.
"""

import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from ticker.request_id import current

HIDDEN = "***"
SHORTEST = 4  # characters of a secret that is looked for in lines: a shorter one would blot out words

_USERINFO = re.compile(r"(?<=://)[^/\s@'\"]*:[^/\s@'\"]*@")


class Redacting(logging.Formatter):
    """Hides secrets in whatever the formatter inside makes of a record, its trace included.

    What is hidden are the texts given to `hide`, and user and password of any address.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner
        self._secrets: tuple[str, ...] = ()

    def hide(self, secrets: Iterable[str]) -> None:
        """Hide these, too. The longest goes first, since one may be part of another."""
        forms = (form for one in secrets if len(one) >= SHORTEST for form in _forms(one))
        known = {*self._secrets, *forms}
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line without secrets."""
        line = self._inner.format(record)
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, HIDDEN)
        return _USERINFO.sub(f"{HIDDEN}@", line)


def _forms(secret: str) -> tuple[str, ...]:
    """How a secret may stand in a line: as it is, in JSON, in an address, in a repr."""
    return secret, msgspec.json.encode(secret).decode()[1:-1], quote(secret, safe=""), quote(secret), repr(secret)[1:-1]


class TextLines(logging.Formatter):
    """A line for people: time of day, level, message, and the name of the request where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The message with what stands around it."""
        line, request = super().formatMessage(record), current()
        return line if request is None else f"{line} [{request}]"


class JsonLines(logging.Formatter):
    """One object a record: time, level, logger, message, the request's name and the trace where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := current()) is not None:
            line["request"] = request
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def start(form: str, level: int = logging.INFO) -> None:
    """Log to standard error in the given form, "text" or "json"."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(JsonLines() if form == "json" else TextLines()))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it tells every job it adds and runs
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # strangers' garbage; our faults we log


def hide(secrets: Iterable[str]) -> None:
    """From now on no line of the log repeats these. To be called with every configuration that is loaded."""
    known = list(secrets)
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Redacting):
            handler.formatter.hide(known)

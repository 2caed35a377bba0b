"""Long answers that the kernel sends without copying them: each kept in a file in memory, handed over by its pages.

A copy is written by one core and then fetched from there by whoever reads; pages that many answers share are not. It
pays from some kilobytes on. A file is never changed once it is written: another answer is another file, so what is
still on its way stays whole. Only Linux has it; elsewhere, and where a file cannot be had, all is copied as usual.

Knows no HTTP and no connection.
"""

import os

LONG = 8192  # bytes; shorter ones are sent faster as copies
MOST = 32  # answers that are kept


class ZeroCopy:
    """The long answers of a process that are asked for again and again."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[bytes, int]] = {}  # by the identity of the answer: it, and its file
        self._last: bytes | None = None

    def send(self, socket: int, answer: bytes) -> int:
        """How many of the first bytes of an answer a socket that nothing else waits for has taken.

        0 where copying does as well, and where the socket takes nothing: who writes the rest finds out why.
        """
        kept = self._kept.get(id(answer))
        if kept is None:
            if answer is not self._last:  # asked for once is no reason for a file
                self._last = answer
                return 0
            kept = self._keep(answer)
            if kept is None:
                return 0
        try:
            return os.sendfile(socket, kept[1], 0, len(answer))
        except OSError:
            return 0

    def close(self) -> None:
        """Let go of all."""
        while self._kept:
            self._drop_oldest()

    def _keep(self, answer: bytes) -> tuple[bytes, int] | None:
        try:
            file = os.memfd_create("answer")
        except (OSError, AttributeError):  # forbidden, no descriptor left; not Linux
            return None
        try:
            whole = os.write(file, answer) == len(answer)
        except OSError:  # no memory left
            whole = False
        if not whole:
            os.close(file)
            return None
        if len(self._kept) >= MOST:
            self._drop_oldest()
        kept = self._kept[id(answer)] = answer, file
        return kept

    def _drop_oldest(self) -> None:
        os.close(self._kept.pop(next(iter(self._kept)))[1])

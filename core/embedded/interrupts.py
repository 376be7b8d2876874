"""Ctrl-C, `kill` and a closed terminal all end the run the same way, at a moment that is safe."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """From now on raises KeyboardInterrupt for each of them."""

    def __init__(self) -> None:
        self._deferring = False
        self._pending = False
        for sign in SIGNALS:
            signal.signal(sign, self._arrived)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a block finish that starts processes: one just born must not be forgotten.

        Whoever asks a second time is not kept waiting.
        """
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._pending:
            raise KeyboardInterrupt

    def ignore(self) -> None:
        """We are stopping already."""
        for sign in SIGNALS:
            signal.signal(sign, signal.SIG_IGN)

    def _arrived(self, sign: int, frame: FrameType | None) -> None:
        if self._deferring and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt

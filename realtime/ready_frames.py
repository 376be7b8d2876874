"""An ASGI `send` that writes text frames past the server's protocol, where we know the server.

A broadcast is one text to a thousand sockets. uvicorn makes a frame of it a thousand times, and
asks the kernel at once for each. Here the frame is made once, and what one turn of the event loop
has for a socket leaves together: a busy server asks the kernel less often, by itself.

This knows the inside of uvicorn's `websockets-sansio`. Under any other server, or should that
change, `quick` returns the server's own `send`, and all works as before: it is an optimization.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]

_INSIDE = ("transport", "conn", "writable", "handshake_complete", "close_sent", "disconnected")
_MODULE = "uvicorn.protocols.websockets.websockets_sansio_impl"


def quick(send: Send) -> Send:
    """Return a `send` that does the same, text frames faster if the server is one that we know."""
    protocol = getattr(send, "__self__", None)
    is_known = any(kind.__module__ == _MODULE for kind in type(protocol).__mro__)
    if not is_known or not all(hasattr(protocol, name) for name in _INSIDE):
        return send
    return _Socket(protocol, send, _loop_of()).send


class _Loop:
    """The sockets of one event loop that have something to write at the end of this turn."""

    def __init__(self) -> None:
        self.dirty: list[_Socket] = []

    def add(self, socket: "_Socket") -> None:
        if not self.dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self.dirty.append(socket)

    def _flush(self) -> None:
        dirty, self.dirty = self.dirty, []
        for socket in dirty:
            socket.flush()


class _Socket:
    __slots__ = ("_loop", "_pending", "_protocol", "_send")

    def __init__(self, protocol: Any, send: Send, loop: _Loop) -> None:
        self._protocol, self._send, self._loop = protocol, send, loop
        self._pending: list[bytes] = []

    async def send(self, message: dict[str, Any]) -> None:
        protocol, text = self._protocol, message.get("text")
        if (
            text is not None
            and protocol.handshake_complete
            and protocol.writable.is_set()
            and not protocol.conn.extensions
            and not self._is_over()
        ):
            if not self._pending:
                self._loop.add(self)
            self._pending.append(_framed(text))
        else:
            self.flush()  # in order; what waits for the peer to read waits in there
            await self._send(message)

    def flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending and not self._is_over():
            self._protocol.transport.write(b"".join(pending) if pending[1:] else pending[0])

    def _is_over(self) -> bool:
        protocol = self._protocol
        return bool(protocol.close_sent or protocol.disconnected or protocol.transport.is_closing())


_latest: tuple[str, bytes] = ("", b"\x81\x00")


def _framed(text: str) -> bytes:
    """Return the frame of a text (RFC 6455, 5.2), made once for all that get the same object."""
    global _latest
    known, frame = _latest
    if known is not text:
        payload = text.encode()
        frame = _head(len(payload)) + payload
        _latest = text, frame
    return frame


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size))
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


_loops: dict[asyncio.AbstractEventLoop, _Loop] = {}


def _loop_of() -> _Loop:
    loop = asyncio.get_running_loop()
    found = _loops.get(loop)
    if found is None:
        for ended in [known for known in _loops if known.is_closed()]:
            del _loops[ended]
        found = _loops[loop] = _Loop()
    return found

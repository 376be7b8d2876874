"""uvicorn's WebSocket protocol, hardened against peers that read nothing."""

import socket
import struct
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CLOSE_SECONDS = 20.0
"""How long a peer has to take what waits for it, the close frame at last."""
FAREWELL_SECONDS = 1.0
"""The same for one that has been silent already."""
_NO_LINGER = struct.pack("ii", 1, 0)


class SocketProtocol(WebSocketsSansIOProtocol):
    """What is sent waits while 64 KiB stand in the transport's buffer.

    Two things must not wait so, nor pile up there: a close, which such a peer would put off for
    ever, and the answers to its pings.
    """

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close" and self.handshake_complete:
            self.writable.set()  # its few bytes go behind what waits
        await self.writable.wait()
        if self.close_sent and self.handshake_complete:
            raise ClientDisconnected  # what waited behind the close has nobody to read it
        await super().send(message)
        if self.close_timer is not None and not self.disconnected:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self._drop)

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # dropped: RFC 6455, 5.5.3 lets a later pong stand for it

    def keepalive_timeout(self) -> None:
        """Drop a peer that is silent; a graceful end would wait for it to read."""
        super().keepalive_timeout()
        self.loop.call_later(FAREWELL_SECONDS, self._drop)

    def _drop(self) -> None:
        """Forget what was not taken, here and in the kernel, which would offer it on."""
        if not self.disconnected:
            pipe = self.transport.get_extra_info("socket")
            pipe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()

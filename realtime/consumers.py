"""The socket at /ws/v1: the handshake, and frames in both directions."""

from typing import Any

from channels.exceptions import StopConsumer

from realtime import answering, entry, protocol, switchboard, tickets
from realtime.close_codes import MALFORMED, TOO_LATE, TOO_MUCH
from realtime.connections import Connection
from realtime.frames import Error, ServerMessage
from realtime.limits import MALFORMED_IN_A_ROW, Allowance
from realtime.protocol import SUBPROTOCOL, MalformedError

AUTHENTICATE_WITHIN_SECONDS = 10


class RealtimeConsumer(Connection):
    """One WebSocket. What clients may ask for stands in realtime/answering.py."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        """Subscriptions that were refused."""
        self._allowance = Allowance()
        self._malformed = 0

    # -- Coming and going --------------------------------------------------------------------------

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        if entry.is_foreign(self.scope):
            await self.base_send({"type": "websocket.close"})  # 403 before the upgrade
            raise StopConsumer
        if not entry.speaks_our_protocol(self.scope):
            await self._refuse_handshake()
        self.board = await switchboard.here()
        offered = SUBPROTOCOL in self.scope.get("subprotocols", ())
        await self.base_send(
            {"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None}
        )
        token, ticket = entry.offered_token(self.scope), entry.offered_ticket(self.scope)
        if token is not None:
            await self.let_in(token)
        elif ticket is not None:
            await self.admit(tickets.redeem(ticket))
        else:
            self.later(AUTHENTICATE_WITHIN_SECONDS, self._too_late)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.leave()
        raise StopConsumer

    async def hang_up(self, code: int) -> None:
        await self.base_send({"type": "websocket.close", "code": code})

    async def _refuse_handshake(self) -> None:
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.base_send({"type": "websocket.close"})
            raise StopConsumer
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await self.base_send(
            {"type": "websocket.http.response.start", "status": 400, "headers": headers}
        )
        body = f"The subprotocol here is {SUBPROTOCOL}.\n".encode()
        await self.base_send({"type": "websocket.http.response.body", "body": body})
        raise StopConsumer

    async def _too_late(self) -> None:
        if not self.is_authenticated:
            await self.close(TOO_LATE)

    # -- What is said ------------------------------------------------------------------------------

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.is_over:
            return
        if not self._allowance.take():
            await self.close(TOO_MUCH)
            return
        try:
            said = protocol.read(message.get("text"))
            await answering.answer(self, said)
            self._malformed = 0
        except MalformedError as error:
            self._malformed += 1
            await self.say(Error(ref=error.ref, code=error.code, detail=error.detail))
            if self._malformed >= MALFORMED_IN_A_ROW:
                await self.close(MALFORMED)

    async def say(self, message: ServerMessage) -> None:
        await self.base_send({"type": "websocket.send", "text": message.encoded()})

    async def stream_said(self, message: dict[str, Any]) -> None:
        await self.base_send({"type": "websocket.send", "text": message["text"]})

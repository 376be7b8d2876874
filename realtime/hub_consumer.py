"""The base of consumers: a Channels consumer in all it offers, without its price for a message."""

from collections.abc import Callable
from typing import Any

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer

from realtime.dispatch import Line
from realtime.layer import HubChannelLayer
from realtime.ready_frames import quick

MOST_WAITING = 1000
MOST_WAITING_BYTES = 4 * 1024 * 1024


class HubConsumer(AsyncConsumer):
    """Handlers are methods named after a message's type, as ever.

    Messages of the layer are handled in place, in order, while the socket keeps up
    (realtime/dispatch.py); Channels would start a task and hop to a thread for each. A handler that
    asks the database does so through `realtime.batches.in_thread`.
    """

    channel_layer: HubChannelLayer
    channel_name: str
    line: Line

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Any) -> None:
        self.scope, self.base_send = scope, quick(send)
        self.channel_layer = get_channel_layer(self.channel_layer_alias)  # type: ignore[no-untyped-call]
        self.channel_name = await self.channel_layer.new_channel()
        self.line = Line(
            self.dispatch,
            overflowed=self.fell_behind,
            messages=MOST_WAITING,
            size=MOST_WAITING_BYTES,
        )
        self.channel_layer.attach(self.channel_name, self.line.put)
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.line.close()
            self.channel_layer.detach(self.channel_name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        kind = message.get("type", "")
        name = _names.get(kind) or _name(kind)
        handler = getattr(self, name, None)
        if handler is None:
            raise ValueError(f"No handler for message type {kind}")
        await handler(message)

    def fell_behind(self) -> None:
        """More waits for this socket than we keep: the place to close it."""


_names: dict[str, str] = {}
"""Of the handlers, by a message's type: there are few, and each is looked up very often."""
MOST_NAMES = 1000


def _name(kind: str) -> str:
    name: str = get_handler_name({"type": kind})  # type: ignore[no-untyped-call]
    if len(_names) < MOST_NAMES:
        _names[kind] = name
    return name

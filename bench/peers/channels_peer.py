"""One consumer as the Channels tutorial writes it, and the same on our base class: for uvicorn."""

import os
from typing import Any
from urllib.parse import parse_qs

import django

from core.lifecycle import exit_with_parent

exit_with_parent()
os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.channels_settings"
django.setup()

from channels.exceptions import StopConsumer  # noqa: E402  settings need the lines above
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402

from realtime.hub_consumer import HubConsumer  # noqa: E402


def groups_of(scope: dict[str, Any]) -> list[str]:
    (person,) = parse_qs(scope["query_string"].decode())["person"]
    return ["everybody", f"person.{person}"]


class StockConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        for group in groups_of(self.scope):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        await self.send(text_data="ready")

    async def disconnect(self, code: int) -> None:
        for group in groups_of(self.scope):
            await self.channel_layer.group_discard(group, self.channel_name)

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class OurConsumer(HubConsumer):
    async def websocket_connect(self, message: dict[str, Any]) -> None:
        for group in groups_of(self.scope):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.base_send({"type": "websocket.accept"})
        await self.base_send({"type": "websocket.send", "text": "ready"})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def said(self, event: dict[str, Any]) -> None:
        await self.base_send({"type": "websocket.send", "text": event["text"]})


consumer = OurConsumer if os.environ["LAYER"] == "hub" else StockConsumer
app = ProtocolTypeRouter({"websocket": consumer.as_asgi()})

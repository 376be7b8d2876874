"""How what was committed reaches the processes that have somebody who listens."""

from collections.abc import Iterable, Sequence

from channels.layers import get_channel_layer

from realtime import channels
from realtime.frames import Event
from realtime.hub import Message
from realtime.layer import HubChannelLayer
from realtime.repositories import Said


def layer() -> HubChannelLayer:
    found: HubChannelLayer = get_channel_layer()  # type: ignore[no-untyped-call]
    return found


def group_of(stream: str) -> str:
    return f"stream.{stream.replace(':', '.')}"


def push(said: Iterable[Said]) -> None:
    """Publish to all processes, in order. Raises StoreUnavailableError."""
    layer().send_many([(group_of(each.stream), message_of(each)) for each in said])


def message_of(said: Said) -> Message:
    """Return what travels between processes: the frame is ready, whoever will read it."""
    frame = Event(
        id=said.id,
        channel=channels.on_the_wire(said.stream),
        offset=said.offset,
        event=said.event,
        data=said.data,
        at=said.at,
        sender=said.sender_id,
    )
    at = said.at.timestamp()
    return {
        "type": "stream.said",
        "stream": said.stream,
        "event": said.event,
        "epoch": said.epoch,
        "offset": said.offset,
        "at": at,
        "text": frame.encoded(),
    }


def messages_of(said: Sequence[Said]) -> list[Message]:
    return [message_of(each) for each in said]

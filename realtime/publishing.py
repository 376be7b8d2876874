"""What clients say to each other, on channels of the kinds that let them.

Only events that their kind's documentation gives to clients: nobody can say in the server's name
that a member was removed. The sender is put on by us, beside the data.
"""

from functools import cache
from typing import Any

import orjson

from core.api.parsers import parse
from core.errors import DomainError
from realtime import channels
from realtime.batches import in_thread
from realtime.channels import Kind
from realtime.protocol import Publish
from realtime.services import sending
from realtime.services.sending import Message
from realtime.subscribing import RefusedError, Subscription

MOST_BYTES = 16 * 1024


class MayNotPublishError(RefusedError):
    detail = "You may not say this here, or are not subscribed."


class UnfitDataError(RefusedError):
    code = "validation_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


async def publish(subscription: Subscription | None, said: Publish) -> None:
    """Say something as the subscription's person; it is committed at the return.

    Raises RefusedError, and what the database raises.
    """
    if subscription is None or not _is_for_clients(subscription.kind, said.event):
        raise MayNotPublishError
    _check(subscription.kind.name, said)
    if not await _may(subscription, said):
        raise MayNotPublishError
    message = Message(
        subscription.stream,
        said.event,
        said.data,
        sender_id=subscription.connection.person.user_id,
    )
    await in_thread(sending.send_all, [message])


def _is_for_clients(kind: Kind, name: str) -> bool:
    event = channels.event(kind.name, name)
    return kind.may_publish is not None and event is not None and event.from_clients


async def _may(subscription: Subscription, said: Publish) -> bool:
    """Ask by the rights of now: the subscription may be a moment older."""
    ask = subscription.kind.may_publish
    if ask is None or not await subscription.is_allowed():
        return False
    return await ask(subscription.connection.person, subscription.key, said.event, said.data)


def _check(kind: str, said: Publish) -> None:
    try:
        text = orjson.dumps(said.data)
        parse(text)  # as strictly as what comes by HTTP: the database can't hold everything
    except (DomainError, orjson.JSONEncodeError):
        raise UnfitDataError("`data` holds something that can't be kept.") from None
    if len(text) > MOST_BYTES:
        raise UnfitDataError(f"`data` holds up to {MOST_BYTES // 1024} KiB.")
    fault = next(_validator(kind, said.event).iter_errors(said.data), None)
    if fault is not None:
        raise UnfitDataError(f"`data{fault.json_path[1:]}` is not as documented.")


@cache
def _validator(kind: str, name: str) -> Any:
    from jsonschema import Draft202012Validator  # no command says anything here

    event = channels.event(kind, name)
    return Draft202012Validator(dict(event.data) if event else False)

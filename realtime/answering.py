"""What a socket does when its client says something: one function for each kind of message."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError

from core.errors import UnauthenticatedError
from core.redis import StoreUnavailableError
from realtime import entry
from realtime.close_codes import NOT_AUTHENTICATED, TOO_MUCH
from realtime.frames import Ack, Error, Pong
from realtime.limits import REFUSED_SUBSCRIPTIONS
from realtime.protocol import (
    Auth,
    ClientMessage,
    Ping,
    Presence,
    Publish,
    Subscribe,
    Unsubscribe,
)
from realtime.publishing import publish
from realtime.subscribing import RefusedError, subscribe

if TYPE_CHECKING:
    from realtime.consumers import RealtimeConsumer

UNAVAILABLE_NOW = "This can't be done right now. Try again in a moment."


async def answer(here: "RealtimeConsumer", said: ClientMessage) -> None:
    """Do what was asked for and say so; who has not said who they are may do nothing else."""
    if not here.is_authenticated and not isinstance(said, Auth):
        await here.close(NOT_AUTHENTICATED)
        return
    try:
        await _ANSWERS[type(said)](here, said)
    except (StoreUnavailableError, OperationalError, InterfaceError):
        await here.say(Error(ref=said.ref, code="unavailable", detail=UNAVAILABLE_NOW))


async def _authenticate(here: "RealtimeConsumer", said: Auth) -> None:
    if here.is_authenticated:
        await _renew(here, said)
    elif await here.let_in(said.token):
        await here.say(Ack(ref=said.ref))


async def _renew(here: "RealtimeConsumer", said: Auth) -> None:
    try:
        renewed = await entry.person(said.token)
    except UnauthenticatedError as error:
        await here.say(Error(ref=said.ref, code=error.code, detail=error.message))
        return
    if renewed.user_id != here.person.user_id:
        await here.close(NOT_AUTHENTICATED)
        return
    here.renew(renewed)
    await here.say(Ack(ref=said.ref))


async def _ping(here: "RealtimeConsumer", said: Ping) -> None:
    await here.say(Pong(ref=said.ref))


async def _subscribe(here: "RealtimeConsumer", said: Subscribe) -> None:
    try:
        held = here.subscriptions.get(said.channel)
        subscription = held or await subscribe(here, said.channel)
    except RefusedError as error:
        here.refused += 1
        await here.say(Error(ref=said.ref, code=error.code, detail=error.detail))
        if here.refused > REFUSED_SUBSCRIPTIONS:
            await here.close(TOO_MUCH)
        return
    await subscription.begin(said)


async def _publish(here: "RealtimeConsumer", said: Publish) -> None:
    try:
        await publish(here.subscriptions.get(said.channel), said)
    except RefusedError as error:
        await here.say(Error(ref=said.ref, code=error.code, detail=error.detail))
        return
    await here.say(Ack(ref=said.ref, channel=said.channel))


async def _unsubscribe(here: "RealtimeConsumer", said: Unsubscribe) -> None:
    subscription = here.subscriptions.pop(said.channel, None)
    if subscription is not None:
        await subscription.end()
    await here.say(Ack(ref=said.ref, channel=said.channel))


async def _presence(here: "RealtimeConsumer", said: Presence) -> None:
    subscription = here.subscriptions.get(said.channel)
    if subscription is None or not subscription.may_watch:
        detail = "Only its listeners are told who is on a channel, and not on channels of any kind."
        await here.say(Error(ref=said.ref, code="forbidden", detail=detail))
        return
    await here.say(Ack(ref=said.ref, channel=said.channel))
    if here.subscriptions.get(said.channel) is subscription:  # not lost meanwhile
        here.board.presence.watch(subscription)


_ANSWERS: dict[type[ClientMessage], Callable[["RealtimeConsumer", Any], Awaitable[None]]] = {
    Auth: _authenticate,
    Ping: _ping,
    Publish: _publish,
    Subscribe: _subscribe,
    Unsubscribe: _unsubscribe,
    Presence: _presence,
}

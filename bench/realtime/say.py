"""Says messages as a process without sockets does: a job, a command, another server.

python -m bench.realtime.say STACK reads orders from standard input, a JSON object a line, and
answers each with a line when all of it has left: `count` messages of `size` bytes with numbers from
`first` on, `pause` seconds apart, to everybody or in turns to `people`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.realtime.sockets import text_of

Say = Callable[[str, str], Any]
"""Takes the person, "" for everybody, and the text."""


def through_channels() -> Say:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.channels_settings"
    from channels.layers import get_channel_layer

    layer = get_channel_layer()

    async def say(person: str, text: str) -> None:
        group = f"person.{person}" if person else "everybody"
        await layer.group_send(group, {"type": "said", "text": text})

    return in_loop(say)


def through_socketio() -> Say:
    import socketio

    manager = socketio.AsyncRedisManager(os.environ["REDIS_URL"], write_only=True)

    async def say(person: str, text: str) -> None:
        await manager.emit("said", text, room=f"person.{person}" if person else None)

    return in_loop(say)


def through_redis() -> Say:
    import redis

    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    return lambda person, text: client.publish(f"person.{person}" if person else "everybody", text)


def through_ours() -> Say:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from realtime.services.sending import send

    everybody = os.environ["BENCH_CHANNEL"]
    return lambda person, text: send(f"user:{person}" if person else everybody, "said", text)


def in_loop(say: Callable[[str, str], Awaitable[None]]) -> Say:
    loop = asyncio.new_event_loop()
    return lambda person, text: loop.run_until_complete(say(person, text))


WAYS = {
    "channels": through_channels,
    "socketio": through_socketio,
    "redis": through_redis,
    "ours": through_ours,
}


def main() -> None:
    say = WAYS[sys.argv[1]]()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        people = order["people"] or [""]
        for index in range(order["count"]):
            say(people[index % len(people)], text_of(order["first"] + index, order["size"]))
            if order["pause"]:
                time.sleep(order["pause"])
        print("done", flush=True)


if __name__ == "__main__":
    main()

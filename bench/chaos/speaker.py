"""Speaks on channels until it is killed: what bench.chaos.realtime kills, again and again.

python -m bench.chaos.speaker CHANNEL… reads a line for each message that it shall commit; where the
line is "die", the process kills itself after the commit and before anybody is told. It prints one
line when a message was committed and one when it was pushed.
"""

import os
import random
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402  settings need the lines above

from realtime.services.sending import send  # noqa: E402


def main() -> None:
    channels = sys.argv[1:]
    print("ready", flush=True)
    for line in sys.stdin:
        speak(random.choice(channels), line.strip())


def speak(channel: str, order: str) -> None:
    with transaction.atomic():
        # Registered before the message's own: it runs behind the commit and ahead of the push.
        transaction.on_commit(lambda: die() if order == "die" else tell("committed"))
        send(channel, "said", order)
    tell("pushed")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def tell(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

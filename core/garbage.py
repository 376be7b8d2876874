"""The interpreter's collector, and when it had better not run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector away, in all threads, while much is made that stays.

    It would walk all of that again and again and find nothing: more than half the time of compiling
    ten thousand flags. Hold it for a second or two, as what others leave behind waits meanwhile.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:  # else another one holds it, or nobody wants it at all
            gc.enable()

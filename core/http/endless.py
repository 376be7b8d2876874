"""Answers that don't end: the head is made by Django, what follows is sent on the event loop."""

from typing import Any

from core.http.body import App, Message


async def answer_of(views: App, scope: Any) -> list[Message]:
    """Return what the views answer to a request without a body."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    await views(scope, receive, send)
    return said


def without_length(head: Message) -> Message:
    kept = [(name, value) for name, value in head["headers"] if name.lower() != b"content-length"]
    return {**head, "headers": kept}

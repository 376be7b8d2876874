"""The socket describes itself, truly and in AsyncAPI's own terms."""

import gc
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from jsonschema import Draft7Validator

from realtime import asyncapi, channels, close_codes, frames, protocol, schemas
from realtime.channels import EventType
from tests import npm
from tests.asyncapi import UndocumentedFrame, _messages, check_heard, check_said
from tests.client import ApiClient
from tests.devices import at_once

SPECS = ("@asyncapi/specs", "6.11.1")
SPECS_SHA256 = "01af8744dc33c0c7eb2e908f6a955319ee58b70ecadc9387d1aeb16c0cd28928"
DONE = EventType("task.done", "A task was done.", {"type": "object", "required": ["task"]})


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(channels, "_events", {})
    channels.document("user", DONE)
    _messages.cache_clear()
    yield
    _messages.cache_clear()


@cache
def validator() -> Any:
    folder = npm.package(*SPECS, sha256=SPECS_SHA256) / "schemas"
    return Draft7Validator(orjson.loads((folder / "3.0.0-without-$id.json").read_bytes()))


def complaints(document: Any) -> list[str]:
    plain = orjson.loads(orjson.dumps(document))
    return [error.message for error in validator().iter_errors(plain)]


def pointers(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for each in part.values():
            yield from pointers(each)
    elif isinstance(part, list):
        for each in part:
            yield from pointers(each)


def find(document: Any, pointer: str) -> Any:
    for name in pointer.removeprefix("#/").split("/"):
        document = document[name]
    return document


def test_it_is_asyncapi(documented: None) -> None:  # RT 35
    document = asyncapi.build()

    assert complaints(document) == []
    assert complaints(document | {"operations": {"x": {"action": "dance"}}})
    for pointer in pointers(document):
        assert find(document, pointer), pointer


def test_every_message_of_both_sides_is_there() -> None:
    document = asyncapi.build()
    found = document["channels"]["socket"]["messages"].keys()

    assert found == {*frames.KINDS, *(f"{kind}Request" for kind in protocol.KINDS)}
    assert set(asyncapi.ANSWERS) == set(protocol.KINDS)
    assert {"user", "organization", "system"} < document["channels"].keys()
    for name, message in document["components"]["messages"].items():
        assert message["summary"], name


def test_every_code_that_we_close_with_is_told() -> None:
    ours = {value for name, value in vars(close_codes).items() if isinstance(value, int)}
    told = {each["code"] for each in asyncapi.build()["channels"]["socket"]["x-close-codes"]}

    assert ours <= told
    assert {code.number for code in close_codes.CATALOG if code.is_final} == {4400, 4401}


def test_an_app_documents_what_it_says(documented: None) -> None:
    document = asyncapi.build()
    message = document["components"]["messages"]["user.task.done"]

    assert message["payload"]["properties"]["data"] == DONE.data
    assert document["operations"]["say.user"]["messages"] == [
        {"$ref": "#/channels/user/messages/user.task.done"}
    ]
    channels.document("user", replace(DONE, meaning="Anew."))
    assert [each.meaning for each in channels.events("user")] == ["Anew."]


EVENT = {
    "type": "event", "id": "01935fd2-0000-7000-8000-000000000000", "channel": "user", "offset": 1,
    "event": "task.done", "data": {"task": 1}, "at": "2026-11-24T08:00:00.000000Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"type": "dance"},
        {"surprise": 1},
        {"offset": "1"},
        {"at": "yesterday"},
        {"data": {}},
    ],
)
def test_a_frame_that_is_not_described_fails_the_test_that_hears_it(
    documented: None, change: dict[str, Any]
) -> None:
    check_heard(EVENT)
    check_heard(EVENT | {"channel": "system", "data": {}})
    with pytest.raises(UndocumentedFrame):
        check_heard(EVENT | change)


def test_a_client_says_what_is_described() -> None:
    check_said({"type": "subscribe", "channel": "system", "ref": 1, "since": None, "news": 1})
    with pytest.raises(UndocumentedFrame):
        check_said({"type": "subscribe"})
    with pytest.raises(UndocumentedFrame):
        check_said({"type": "dance"})


def test_the_address_answers_with_the_document(anonymous: ApiClient) -> None:
    answer = anonymous.get("/api/asyncapi")

    assert answer["Content-Type"] == "application/json"
    assert orjson.loads(answer.content) == orjson.loads(orjson.dumps(asyncapi.build()))


def test_the_page_tells_it_to_people(anonymous: ApiClient, documented: None) -> None:
    answer = anonymous.get("/api/asyncapi/docs")
    text = answer.content.decode()

    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert "<script" not in text
    for word in [*frames.KINDS, *protocol.KINDS, "organization:{id}", "4429", "task.done"]:
        assert word in text, word


def test_a_command_writes_it_without_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("asyncapi")
    printed = capsys.readouterr().out
    call_command("asyncapi", file=tmp_path / "asyncapi.json")

    assert complaints(orjson.loads(printed)) == []
    assert (tmp_path / "asyncapi.json").read_text() == printed
    with pytest.raises(CommandError, match="Can't write"):
        call_command("asyncapi", file=tmp_path / "missing" / "asyncapi.json")


def test_threads_may_ask_at_once_while_garbage_is_collected() -> None:
    kinds = list(frames.KINDS.values())

    def docs(_: int) -> list[dict[str, str]]:
        return [schemas.field_docs(each) for each in kinds]

    def let_others_on(phase: str, info: Any) -> None:
        time.sleep(1e-4)

    before = gc.get_threshold()
    gc.callbacks.append(let_others_on)
    gc.set_threshold(20)
    try:
        told = at_once(8, docs)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(let_others_on)

    assert told == [docs(0)] * 8

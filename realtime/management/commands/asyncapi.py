from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from core.management.base import OneLineCommand
from realtime import asyncapi


class Command(OneLineCommand):
    help = "Print the description of the WebSocket, AsyncAPI 3 in JSON. Needs no server or store."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="write it into this file instead")

    def handle(self, *args: Any, **options: Any) -> None:
        text = orjson.dumps(asyncapi.build(), option=orjson.OPT_INDENT_2).decode()
        file: Path | None = options["file"]
        if file is None:
            self.stdout.write(text)
            return
        try:
            file.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Can't write {file}: {error.strerror}.") from None

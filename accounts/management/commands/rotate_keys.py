from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.services import key_rotation
from accounts.services.key_rotation import Rotation
from core.management.asking import confirm
from core.management.base import JsonCommand


class Command(JsonCommand):
    help = (
        "Make the next signing key in the folder that JWT_PRIVATE_KEY_FILES names. Nobody is"
        " signed out: it verifies at once and signs ten minutes later. Twice does no harm."
    )

    def add_options(self, parser: CommandParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--retire", action="store_true", help="delete keys whose last token has run out"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")
        parser.add_argument("--yes", action="store_true", help="delete without asking")

    def perform(self, **options: Any) -> dict[str, Any]:
        now, retire = timezone.now(), options["retire"]
        if options["dry_run"]:
            return _told(key_rotation.plan(retire=retire, now=now), dry_run=True)
        if retire and not options["yes"]:
            over = key_rotation.plan(retire=True, now=now).retired
            names = ", ".join(path.name for path in over) or "no key"
            confirm(self, f"Delete {names}, whose last token has run out?", option="--retire")
        return _told(key_rotation.rotate(retire=retire, now=now), dry_run=False)

    def lines(self, result: dict[str, Any]) -> list[str]:
        would = "Would make" if result["dry_run"] else "Made"
        first = f"{would} a new key in {result['folder']}." if result["made"] else "No new key:"
        return [f"{first} {_turn(result)}", *_deletions(result)]


def _told(rotation: Rotation, *, dry_run: bool) -> dict[str, Any]:
    return {
        "folder": str(rotation.folder),
        "made": rotation.made is not None,
        "kid": rotation.made.kid if rotation.made and not dry_run else None,
        "signs_from": rotation.signs_from,
        "retired": [path.name for path in rotation.retired],
        "dry_run": dry_run,
    }


def _turn(result: dict[str, Any]) -> str:
    newest = "It" if result["made"] else "the newest one is waiting for its turn. It"
    if result["signs_from"] is None:
        return f"{newest} signs once the folder stands first in JWT_PRIVATE_KEY_FILES."
    return f"{newest} verifies now and signs from {result['signs_from']:%Y-%m-%d %H:%M:%S} UTC."


def _deletions(result: dict[str, Any]) -> list[str]:
    verb = "Would delete" if result["dry_run"] else "Deleted"
    return [f"{verb} {name}." for name in result["retired"]]

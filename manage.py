#!/usr/bin/env python
"""The operator's door: every command of the product."""

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand


def main() -> int:
    gc.disable()  # what imports make stays: looking for garbage in it takes a sixth of a start
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import ManagementUtility

    from core.errors import ConfigurationError

    class Commands(ManagementUtility):
        def fetch_command(self, subcommand: str) -> "BaseCommand":
            gc.freeze()
            gc.enable()
            try:
                return super().fetch_command(subcommand)
            except SystemExit:  # Django has said in two lines that it knows no such command
                sys.exit(2)

    try:
        Commands(sys.argv).execute()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Serves a product that has rooms: what `manage.py serve` does, with one more app."""

import os
import sys

from config import product

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    product.APPS.append("tests.realtime.rooms.apps.RoomsConfig")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "serve", *sys.argv[1:]])

"""Serves as `manage.py serve` does, but loses patience with silent peers within seconds."""

import os
import sys

from core import serving, socket_protocol

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    serving.PING_SECONDS, serving.PONG_SECONDS = 1.0, 1.0
    socket_protocol.CLOSE_SECONDS = 1.0
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "serve", *sys.argv[1:]])

"""Measures one subject in a process of its own: python -m bench.growth.asking SUBJECT FILE SIZE…

Leaves the lines of the subject in the file, as JSON. The variables name stores that are empty.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    subject, file, *sizes = sys.argv[1:]
    call_command("migrate", verbosity=0)
    found = import_module(f"bench.growth.{subject}").measure([int(size) for size in sizes])
    Path(file).write_text(json.dumps(found.as_json()))


if __name__ == "__main__":
    main()

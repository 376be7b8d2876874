"""python -m tests.lean manage.py … runs it as production does: without what only tools bring.

Django REST Framework and structlog import these where they find them, which takes a server a fifth
of its start; a production image has none of them.
"""

import runpy
import sys

TOOLS_ONLY = ["jinja2", "markdown", "pygments", "requests", "rich", "twisted", "urllib3",
              "watchfiles"]  # fmt: skip

if __name__ == "__main__":
    for name in TOOLS_ONLY:
        sys.modules[name] = None  # type: ignore[assignment]  # to import it fails
    del sys.argv[0]
    sys.path.insert(0, "")
    runpy.run_path(sys.argv[0], run_name="__main__")

"""Commands as a shell sees them, without the second that a process of their own takes."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import pytest
from django.core.management import get_commands, load_command_class


@dataclass(frozen=True)
class Answer:
    """What a process would have left, by the names that subprocess.run() gives it."""

    returncode: int
    stdout: str
    stderr: str


def exit_of(*words: str) -> Answer:
    """Do what `manage.py` does with these words; for calls that end before they ask the stores."""
    name = words[0]
    out, err = StringIO(), StringIO()
    command = load_command_class(str(get_commands()[name]), name)
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", *words])
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return Answer(code or 0, out.getvalue(), err.getvalue())

"""The README is executed: what it tells people to type does what it says."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.core.jobs.queues import empty_queue
from tests.docs.development import Development
from tests.docs.pages import ROOT, blocks

README_ADDRESS = "http://127.0.0.1:8000"
END_OF_BLOCK = "--- end of block ---"


@pytest.fixture
def development(transactional_db: None, tmp_path: Path) -> Generator[Development]:
    empty_queue()
    with Development(tmp_path) as running:
        yield running
    empty_queue()


class Shell:
    """One shell that runs block after block, so that variables live on."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, block: str) -> str:
        """Return what the block printed. Fails when one of its commands does."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{block}\necho; echo '{END_OF_BLOCK}'\n")
        self.process.stdin.flush()
        lines: list[str] = []
        for line in self.process.stdout:
            if line.strip() == END_OF_BLOCK:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"{block}\nfailed after:\n{''.join(lines)}")

    def close(self) -> None:
        self.process.communicate()


@pytest.mark.server
def test_the_readme_leads_from_nothing_to_signed_in_and_out(development: Development) -> None:
    shell = Shell()
    register, verify, sign_in, sign_out = (
        block.replace(README_ADDRESS, development.url) for block in blocks(ROOT / "README.md", "sh")
    )

    registered = shell.run(register)
    development.wait_for_mail()
    verified = shell.run(verify)
    signed_in = shell.run(sign_in)
    signed_out = shell.run(sign_out)
    shell.close()

    assert registered.startswith("HTTP/1.1 202 ")
    assert verified.startswith("HTTP/1.1 204 ")
    assert json.loads(signed_in)["email"] == "you@example.com"
    assert '"current":true' in signed_out
    assert "HTTP/1.1 204 " in signed_out
    assert '"code":"session_revoked"' in signed_out

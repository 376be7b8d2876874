"""Whose name the servers run under: ours, unless we are root, which PostgreSQL refuses."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """Return who shall run the server of this data folder; None means we ourselves.

    As root, data that exists stays with its owner, so `sudo make run` takes nothing away from
    the ordinary user who began it; new data belongs to `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)

"""Three lists in the style of the full-stack FastAPI template, on async SQLAlchemy 2 and asyncpg.

A dependency decodes the token and loads the user's row; COUNT and page go through ORM models;
pydantic models shape the answer. It has no session check, no rate limit and no log.
"""

from fastapi import FastAPI

from bench.peers.fastapi_template import members, notifications, sessions
from core.lifecycle import exit_with_parent

exit_with_parent()
app = FastAPI()
app.include_router(sessions.router)
app.include_router(notifications.router)
app.include_router(members.router)

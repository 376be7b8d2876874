"""The service is busy, broken or on its way out: 429 and 5xx."""

from core.problems.problem import Problem

AVAILABILITY = (
    Problem(
        "rate_limited",
        "Too many requests",
        (429,),
        "The limit for this kind of request is used up for the moment. The request was not carried "
        "out, and nothing was lost.",
        "Wait as many seconds as the Retry-After header says, then send it again. The RateLimit "
        "header tells early how much is left.",
    ),
    Problem(
        "internal_error",
        "Something went wrong on our side",
        (500,),
        "The request met a mistake of ours. What it had begun was undone, and the mistake was "
        "written down.",
        "Try again in a moment. If it stays, report the request id: it leads to the cause.",
    ),
    Problem(
        "database_unavailable",
        "The database can't be reached",
        (503,),
        "The service runs, but its database does not answer. Nothing was changed, and nothing that "
        "was confirmed before is lost.",
        "Try again after the seconds in the Retry-After header. With an Idempotency-Key that is "
        "safe for every request.",
    ),
    Problem(
        "realtime_unavailable",
        "Live connections can't be opened now",
        (503,),
        "The store behind live pushes does not answer, so no ticket can be kept. Everything else "
        "works, and nothing that is pushed is lost: it can be replayed.",
        "Try again after the seconds in the Retry-After header, with back-off.",
    ),
    Problem(
        "draining",
        "The server is restarting",
        (503,),
        "This server finishes what it has begun and takes nothing new. The request was not carried "
        "out.",
        "Send it again: another server takes it.",
    ),
)

import re

import pytest

from core import problems

# Copied from the public contract, section 1: code and the statuses it may come with.
CONTRACT = {
    400: "validation_error malformed_json unknown_parameter invalid_cursor "
    "required invalid unknown_field too_long null_character",
    401: "not_authenticated token_invalid token_expired session_revoked invalid_credentials "
    "token_reused mfa_failed",
    403: "forbidden email_not_verified email_mismatch reauthentication_required "
    "insufficient_scope organization_suspended",
    404: "not_found",
    405: "method_not_allowed",
    409: "last_owner already_member already_invited idempotency_in_progress conflict",
    410: "token_used token_expired token_superseded token_unknown invitation_gone "
    "invitation_expired invitation_revoked invitation_used inviter_lost_permission",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "idempotency_mismatch url_not_allowed",
    429: "rate_limited",
    500: "internal_error",
    503: "database_unavailable draining",
}
PAIRS = [(status, code) for status, codes in CONTRACT.items() for code in codes.split()]
EVERY = sorted(problems.CATALOG.values(), key=lambda problem: problem.code)


@pytest.mark.parametrize(("status", "code"), PAIRS)
def test_every_code_of_the_contract_has_a_page_that_names_its_status(
    status: int, code: str
) -> None:
    problem = problems.CATALOG[code]

    assert status in problem.statuses


def test_only_the_codes_of_single_fields_stand_inside_errors() -> None:
    inside = {problem.code for problem in EVERY if problem.in_errors}

    assert inside == {"required", "invalid", "unknown_field", "too_long", "null_character"}


@pytest.mark.parametrize("problem", EVERY, ids=lambda problem: problem.code)
def test_the_words_are_whole_calm_sentences(problem: problems.Problem) -> None:
    assert not problem.title.endswith(".")
    for sentence in (problem.meaning, problem.advice):
        assert re.fullmatch(r"[A-Z][^!]*\.", sentence)


@pytest.mark.parametrize("problem", EVERY, ids=lambda problem: problem.code)
def test_an_address_leads_to_its_problem(problem: problems.Problem) -> None:
    assert problems.by_slug(problems.slug(problem.code)) is problem


def test_an_address_has_one_spelling() -> None:
    assert problems.slug("validation_error") == "validation-error"
    assert problems.by_slug("validation_error") is None
    assert problems.by_slug("nothing-of-ours") is None


def test_registering_the_same_twice_is_harmless_and_another_meaning_is_refused() -> None:
    known = problems.CATALOG["not_found"]
    other = problems.Problem("not_found", "Lost", (404,), "It is lost.", "Look elsewhere.")

    problems.register(known)
    with pytest.raises(ValueError, match="not_found"):
        problems.register(other)

    assert problems.CATALOG["not_found"] is known


def test_a_product_app_adds_a_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "CATALOG", dict(problems.CATALOG))
    seats = problems.Problem("seat_limit", "No seat is left", (409,), "All taken.", "Free one.")

    problems.register(seats)

    assert problems.by_slug("seat-limit") == seats

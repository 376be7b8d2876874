"""The request itself can't be used as it is: mostly 400, and its siblings."""

from core.problems.problem import Problem

REQUEST = (
    Problem(
        "validation_error",
        "Some fields need another value",
        (400,),
        "The request was understood, but one or more values break a rule. Nothing was saved.",
        "Read errors: each entry points at a field and says what it needs. Correct them and send "
        "the request again.",
    ),
    Problem(
        "malformed_json",
        "The body is not valid JSON",
        (400,),
        "The body could not be read as one JSON document in UTF-8: a comma is missing, a word such "
        "as NaN stands in it, or it is nested too deeply. Nothing was saved.",
        "Build the body with a JSON library rather than by hand, in UTF-8, and send it again.",
    ),
    Problem(
        "unknown_parameter",
        "A query parameter is not known",
        (400,),
        "The address has a query parameter that this call does not take. It is refused rather than "
        "skipped, so that a typo never widens a filter unnoticed. Nothing was changed.",
        "Compare the spelling with the API reference, and leave out what is not listed there.",
    ),
    Problem(
        "invalid_cursor",
        "The cursor does not fit this list",
        (400,),
        "A cursor belongs to one list with its filters and its order. This one is of another list, "
        "or was changed on its way. Nothing was lost.",
        "Start again with an empty cursor, and pass next_cursor on exactly as you received it.",
    ),
    Problem(
        "method_not_allowed",
        "This address does not take that method",
        (405,),
        "The address exists, but not for this HTTP method. Nothing was changed.",
        "Use one of the methods in the Allow header of the answer.",
    ),
    Problem(
        "precondition_required",
        "Say which version you read",
        (428,),
        "This call changes what others may be changing too, and did not say which version it goes "
        "by. Nothing was changed.",
        "Read the object, and send its ETag in If-Match.",
    ),
    Problem(
        "precondition_failed",
        "Somebody changed it in the meantime",
        (412,),
        "The version named in If-Match is no longer the current one. Your change was not applied, "
        "and the other change was not overwritten.",
        "Read the object again, look at what is different, and decide whether yours still applies.",
    ),
    Problem(
        "payload_too_large",
        "The body is too large",
        (413,),
        "A request body may be 1 MiB at most. The rest of it was not read and nothing was saved.",
        "Send less at once, for example in several requests.",
    ),
    Problem(
        "unsupported_media_type",
        "The body has to be JSON",
        (415,),
        "The Content-Type of the request is one this call does not read. Nothing was saved.",
        "Send the body as JSON with the header Content-Type: application/json.",
    ),
    Problem(
        "idempotency_mismatch",
        "This Idempotency-Key belongs to another request",
        (422,),
        "The key was used within the last 24 hours with a different body. The earlier request "
        "stands as it was answered; this one was not carried out.",
        "Use a new key for a new request. Use the same key only to repeat the very same request.",
    ),
    Problem(
        "url_not_allowed",
        "This address can't be called",
        (422,),
        "The address is not public, or uses a port or scheme that is not allowed. It was not "
        "called and nothing was saved.",
        "Give an https address that anybody on the internet could reach.",
    ),
)

FIELDS = (
    Problem(
        "required",
        "A field is missing",
        (400,),
        "The field has to be there and was not, or was empty. Nothing was saved.",
        "Add the field that pointer names and send the request again.",
        in_errors=True,
    ),
    Problem(
        "invalid",
        "A value does not fit its field",
        (400,),
        "The value is of another type, or breaks a rule of the field. Nothing was saved.",
        "The detail beside the pointer says which rule. Change the value and send it again.",
        in_errors=True,
    ),
    Problem(
        "unknown_field",
        "A field is not known",
        (400,),
        "The body has a field that this call does not take, or one that can only be read. It is "
        "refused rather than skipped, so that a typo is noticed. Nothing was saved.",
        "Compare the spelling with the API reference, and leave out what is not listed there.",
        in_errors=True,
    ),
    Problem(
        "too_long",
        "A value is too long",
        (400,),
        "The value has more characters than the field holds. It was not cut and not saved.",
        "Shorten it to the length named in the detail and send it again.",
        in_errors=True,
    ),
    Problem(
        "null_character",
        "A value has a character that text can't hold",
        (400,),
        "The value contains a NUL character or half of a surrogate pair. Nothing was saved.",
        "Remove the character. It often comes from binary data that was read as text.",
        in_errors=True,
    ),
)

import orjson
import pytest

from tests.client import ApiClient, problem

SIGN_IN = "/api/v1/auth/token"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"email":NaN}',
        b'{"email":Infinity}',
        b"{'a': 1}",
        b'{"a":1}{"a":1}',
        b"\x00",
    ],
)
def test_what_is_not_json_is_refused(anonymous: ApiClient, body: bytes) -> None:
    response = anonymous.send("POST", SIGN_IN, body)

    assert response.status_code == 400
    assert problem(response)["code"] == "malformed_json"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"email":1e999}', "/email", "invalid"),
        (b'{"email":-1e999}', "/email", "invalid"),
        (b'{"email":' + b"9" * 5000 + b"}", "/email", "invalid"),
        (b'{"email":9223372036854775808}', "/email", "invalid"),
        (b'{"email":"a","email":"b"}', "/email", "invalid"),
        (b'{"email":"\\ud800"}', "/email", "invalid"),
        (b'{"email":"a\\u0000b"}', "/email", "null_character"),
        (b'{"list":[{"a/b~c":["\\u0000"]}]}', "/list/0/a~1b~0c/0", "null_character"),
        (b'{"a\\u0000":1}', "", "invalid"),
    ],
)
def test_values_that_no_field_may_hold_are_named(
    anonymous: ApiClient, body: bytes, pointer: str, code: str
) -> None:
    response = anonymous.send("POST", SIGN_IN, body)

    error = problem(response)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"true"])
def test_a_body_has_to_be_an_object(anonymous: ApiClient, body: bytes) -> None:
    response = anonymous.send("POST", SIGN_IN, body)

    assert response.status_code == 400


def test_each_missing_field_is_named(anonymous: ApiClient) -> None:
    response = anonymous.send("POST", SIGN_IN, {})

    found = [(error["pointer"], error["code"]) for error in problem(response)["errors"]]
    assert found == [("/email", "required"), ("/password", "required")]


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}])
def test_text_has_to_be_text(anonymous: ApiClient, value: object) -> None:
    response = anonymous.send("POST", SIGN_IN, {"email": value, "password": "x"})

    assert [error["pointer"] for error in problem(response)["errors"]] == ["/email"]


def test_an_unknown_field_is_refused(anonymous: ApiClient) -> None:  # PLT 7
    body = {"email": "a@example.com", "password": "x", "is_staff": True}

    response = anonymous.send("POST", SIGN_IN, body)

    error = problem(response)["errors"][0]
    assert (error["pointer"], error["code"]) == ("/is_staff", "unknown_field")


def test_text_that_is_too_long_says_so(anonymous: ApiClient) -> None:
    response = anonymous.send("POST", SIGN_IN, {"email": "a" * 10_000, "password": "x"})

    assert problem(response)["errors"][0]["code"] == "too_long"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "",
    ],
)
def test_only_json_in_utf_8_is_read(anonymous: ApiClient, content_type: str) -> None:
    response = anonymous.send("POST", SIGN_IN, b"{}", content_type=content_type)

    assert response.status_code == 415
    assert problem(response)["code"] == "unsupported_media_type"


def test_a_compressed_body_is_not_read(anonymous: ApiClient) -> None:
    response = anonymous.send("POST", SIGN_IN, b"\x1f\x8b\x08\x00", Content_Encoding="gzip")

    assert response.status_code == 415


def test_a_body_over_one_mebibyte_is_refused(anonymous: ApiClient) -> None:
    response = anonymous.send("POST", SIGN_IN, b" " * (1024 * 1024 + 1))

    assert response.status_code == 413
    assert problem(response)["code"] == "payload_too_large"


def test_a_body_of_one_mebibyte_is_read(anonymous: ApiClient) -> None:
    response = anonymous.send("POST", SIGN_IN, b"{}".ljust(1024 * 1024))

    assert response.status_code == 400


MANY = {
    "unknown fields": orjson.dumps({f"f{number}": 1 for number in range(60_000)}),
    "values that no field may hold": b'{"a":[' + b",".join([b'"\\u0000"'] * 100_000) + b"]}",
    "keys given twice": b"{" + b",".join([b'"a":1'] * 150_000) + b"}",
    "keys that no key may be": orjson.dumps({f"\0{number}": {"\0": 1} for number in range(25_000)}),
    "numbers that are too large": b'{"a":[' + b",".join([b"1e999"] * 150_000) + b"]}",
    "many numbers": b'{"email":[' + b",".join([b"0"] * 500_000) + b"]}",
    "many objects": b'{"email":[' + b",".join([b'{"a":0}'] * 120_000) + b"]}",
    "many lists": b'{"email":[' + b",".join([b"[0]"] * 250_000) + b"]}",
    "nothing wrong": b'{"email":[' + b",".join([b"[]"] * 300_000) + b"]}",
}


@pytest.mark.parametrize("body", MANY.values(), ids=MANY)
def test_many_faults_cost_little_and_are_told_in_part(
    anonymous: ApiClient, body: bytes
) -> None:  # PLT 11
    response = anonymous.send("POST", SIGN_IN, body)

    assert 1 <= len(problem(response)["errors"]) <= 20
    assert len(response.content) < 5000


def test_many_unknown_parameters_are_told_in_part(anonymous: ApiClient) -> None:  # PLT 4
    query = "&".join(f"p{number}=1" for number in range(500))

    response = anonymous.send("GET", f"/.well-known/jwks.json?{query}")

    assert problem(response)["code"] == "unknown_parameter"
    assert len(problem(response)["errors"]) == 20


def test_nesting_is_followed_to_its_limit(anonymous: ApiClient) -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' * depth + b"1" + b"}" * depth

    assert problem(anonymous.send("POST", SIGN_IN, nested(64)))["code"] == "validation_error"
    assert problem(anonymous.send("POST", SIGN_IN, nested(65)))["code"] == "malformed_json"

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt as pyjwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from accounts import jwt, keys
from accounts.errors import TokenExpiredError, TokenInvalidError
from tests.client import ApiClient, problem

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDS = {"user_id": uuid4(), "session_id": uuid4(), "token_id": uuid4()}


def claims(**changed: Any) -> dict[str, Any]:
    """Return what a good access token claims, with changes; None takes a claim away."""
    good = pyjwt.decode(
        jwt.mint("access", now=NOW, **IDS), options={"verify_signature": False, "verify_exp": False}
    )
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(payload: dict[str, Any], **headers: Any) -> str:
    signer = keys.ring().current()[0]
    given = {"kid": signer.kid} | headers
    return pyjwt.encode(payload, signer.private, algorithm="EdDSA", headers=given)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(header: dict[str, Any]) -> str:
    return f"{encoded(orjson.dumps(header))}.{encoded(orjson.dumps(claims()))}."


def test_a_token_says_what_it_was_made_of() -> None:
    token = jwt.mint("access", now=NOW, **IDS)

    found = jwt.read(token, "access", now=NOW)

    assert (found.user_id, found.session_id, found.token_id) == tuple(IDS.values())
    assert token == jwt.mint("access", now=NOW, **IDS)
    assert claims().keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ"}
    assert pyjwt.get_unverified_header(token) == {
        "alg": "EdDSA",
        "kid": keys.ring().current()[0].kid,
        "typ": "JWT",
    }


@pytest.mark.parametrize(("late_seconds", "holds"), [(0, True), (29, True), (30, False)])
def test_clocks_may_differ_by_thirty_seconds_and_no_more(
    late_seconds: int, holds: bool
) -> None:  # ACC 24
    token = jwt.mint("access", now=NOW, **IDS)
    then = NOW + settings.ACCESS_LIFETIME + timedelta(seconds=late_seconds)

    if holds:
        assert jwt.read(token, "access", now=then)
    else:
        with pytest.raises(TokenExpiredError):
            jwt.read(token, "access", now=then)
    assert jwt.read_expired(token, "access")


@pytest.mark.parametrize(
    "changed",
    [
        *({name: None} for name in ("iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ")),
        {"iss": "https://evil.example"},
        {"aud": "https://evil.example/api"},
        {"typ": "refresh"},
        {"typ": ["access"]},
        {"sub": "nobody"},
        {"sid": "1"},
        {"jti": ""},
        {"exp": "soon"},
        {"exp": []},
        {"nbf": 99_999_999_999},
        {"iat": 99_999_999_999},
    ],
)
def test_each_claim_has_to_be_right(changed: dict[str, Any]) -> None:  # ACC 24
    token = signed(claims(**changed))

    with pytest.raises(TokenInvalidError):
        jwt.read(token, "access", now=NOW)


def test_the_algorithm_is_not_the_tokens_to_choose() -> None:  # ACC 24
    ours = keys.ring().current()[0]
    public = ours.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forged = [unsigned({"alg": alg, "kid": ours.kid}) for alg in ("none", "None", "", "EdDSA")]
    for secret in (pem, public.public_bytes_raw(), ours.jwk["x"].encode(), settings.SECRET_KEY):
        start = ".".join(
            (encoded(orjson.dumps({"alg": "HS256", "kid": ours.kid})), unsigned({}).split(".")[1])
        )
        mac = pyjwt.algorithms.HMACAlgorithm(pyjwt.algorithms.HMACAlgorithm.SHA256)
        key = secret if isinstance(secret, bytes) else secret.encode()
        forged.append(f"{start}.{encoded(mac.sign(start.encode(), key))}")

    for token in forged:
        with pytest.raises(TokenInvalidError):
            jwt.read(token, "access", now=NOW)


def test_no_key_comes_out_of_a_token() -> None:  # ACC 24
    stranger = keys.SigningKey.of(Ed25519PrivateKey.generate())
    ours = keys.ring().current()[0].kid

    for headers in (
        {"kid": stranger.kid},
        {"kid": stranger.kid, "jwk": stranger.jwk},
        {"kid": ours, "jwk": stranger.jwk},
        {"kid": ours, "jku": "https://evil.example/jwks.json"},
        {"kid": "../../../../dev/null"},
        {},
    ):
        token = pyjwt.encode(claims(), stranger.private, algorithm="EdDSA", headers=headers)
        with pytest.raises(TokenInvalidError):
            jwt.read(token, "access", now=NOW)


def test_a_critical_header_that_nobody_knows_is_refused() -> None:  # RFC 7515, 4.1.11
    with pytest.raises(TokenInvalidError):
        jwt.read(signed(claims(), crit=["pay"], pay="me"), "access", now=NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "ü.ü.ü",
        "\ud800",
        "a" * 5000,
        f"{encoded(b'[]')}.{encoded(b'{}')}.",
        f"{encoded(b'null')}.{encoded(b'{}')}.",
        f"{encoded(b'[' * 2900)}.e30.e30",
        f"{encoded(b'{`a`:'.replace(b'`', bytes([34])) * 550)}.e30.e30",
        f"{encoded(orjson.dumps({'alg': 'EdDSA', 'kid': ['a']}))}.e30.e30",
        f"{encoded(orjson.dumps({'alg': ['EdDSA'], 'kid': {}}))}.e30.e30",
        f"{encoded(b'1' * 3000)}.e30.e30",
        f"{encoded(bytes(range(256)))}.e30.e30",
    ],
)
def test_what_is_no_token_is_only_invalid(token: str) -> None:
    with pytest.raises(TokenInvalidError):
        jwt.read(token, "access", now=NOW)


def test_what_was_signed_can_not_be_changed() -> None:
    head, body, signature = jwt.mint("access", now=NOW, **IDS).split(".")
    payload = claims(sub=str(UUID(int=0)))
    other_body = encoded(orjson.dumps(payload))
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]

    for token in (f"{head}.{other_body}.{signature}", f"{head}.{body}.{flipped}"):
        with pytest.raises(TokenInvalidError):
            jwt.read(token, "access", now=NOW)


def test_a_deep_header_costs_the_caller_a_401(anonymous: ApiClient) -> None:
    token = f"{encoded(b'[' * 2900)}.e30.e30"

    response = anonymous.send("GET", "/api/v1/users/me", Authorization=f"Bearer {token}")

    assert problem(response)["code"] == "token_invalid"

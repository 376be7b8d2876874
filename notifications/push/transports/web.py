"""Web Push (RFC 8030): to whatever service the browser chose."""

from core.outbound import client
from core.outbound.guard import UrlNotAllowedError
from notifications.push import base64url, vapid
from notifications.push.encryption import MAX_PLAINTEXT, encrypt
from notifications.push.models import PushDevice
from notifications.push.pushes import Outcome, Push, Result, as_json, fitted, seconds

GONE = {404, 410}
LATER = {429, 500, 502, 503, 504}


class WebPush:
    kind = PushDevice.Kind.WEB.value
    is_for_urgent_alone = False

    def send(self, device: PushDevice, push: Push) -> Result:
        body = encrypt(
            fitted(push, render, MAX_PLAINTEXT),
            browser_key=base64url.decode(device.browser_key),
            auth=base64url.decode(device.auth),
        )
        try:
            answer = client.post(device.token, content=body, headers=_headers(device, push))
        except UrlNotAllowedError:
            return Result(Outcome.GONE, "its address may not be called")
        return result(answer)


def _headers(device: PushDevice, push: Push) -> dict[str, str]:
    headers = {
        "Authorization": vapid.authorization(device.token),
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(push.seconds_to_live),
        "Urgency": "high" if push.is_urgent else "normal",
    }
    # A service may keep few topics apart, so that only what is replaced has one.
    return headers | ({"Topic": push.notification_id.hex} if push.is_group else {})


def render(push: Push) -> bytes:
    """Return what templates/static/tenantry/console/push-worker.js reads."""
    return as_json(
        {
            "id": str(push.notification_id),
            "title": push.title,
            "body": push.body,
            "url": push.url,
            "type": push.type,
            "unread_count": push.unread_count,
        }
    )


def result(answer: client.Answer) -> Result:
    detail = f"{answer.status} {answer.body[:200].decode(errors='replace')}".strip()
    if 200 <= answer.status < 300:
        return Result(Outcome.SENT)
    if answer.status in GONE:
        return Result(Outcome.GONE, detail)
    if answer.status in LATER:
        return Result(Outcome.LATER, detail, seconds(answer.headers.get("retry-after")))
    return Result(Outcome.REFUSED, detail)

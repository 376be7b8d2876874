"""Text messages through Twilio's API, or a service that speaks it. They cost, so that only what is
urgent goes out.

    twilio://<account sid>:<auth token>@api.twilio.com/<number or messaging service>

https://www.twilio.com/docs/messaging/api/message-resource
"""

import base64
import json
from urllib.parse import quote, unquote, urlencode

import httpx2
from django.conf import settings

from core.outbound import client
from notifications.push.models import PushDevice
from notifications.push.pushes import Outcome, Push, Result, seconds
from notifications.push.transports.addresses import base_of, split

MAX_TEXT = 320
"""Two or a few parts, by the letters in it."""
GONE = {21211, 21217, 21408, 21610, 21612, 21614}
"""No such number, none that can be reached, or whoever has it answered STOP."""
LATER = {429, 500, 502, 503, 504}


class Sms:
    kind = PushDevice.Kind.SMS.value
    is_for_urgent_alone = True

    def __init__(self, *, account: str, secret: str, sender: str, base: str) -> None:
        self._url = f"{base}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._login = base64.b64encode(f"{account}:{secret}".encode()).decode()
        self._sender = sender
        self._http = httpx2.Client(timeout=client.PATIENCE_S)

    def send(self, device: PushDevice, push: Push) -> Result:
        via = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        form = {"To": device.token, via: self._sender, "Body": text_of(push)}
        headers = {
            "Authorization": f"Basic {self._login}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(form).encode()
        return result(client.send(self._http, self._url, content=body, headers=headers))


def text_of(push: Push) -> str:
    """Return the title, what fits of the body, and the whole address."""
    url = settings.PUBLIC_URL + push.url if push.url.startswith("/") else push.url
    said = f"{push.title}. {push.body}" if push.body else push.title
    room = max(20, MAX_TEXT - len(url) - 1)
    shown = said if len(said) <= room else said[: room - 1].rstrip() + "…"
    return f"{shown} {url}"


def result(answer: client.Answer) -> Result:
    if 200 <= answer.status < 300:
        return Result(Outcome.SENT)
    code = _code(answer.body)
    detail = f"{answer.status} {code or ''}".strip()
    if code in GONE:
        return Result(Outcome.GONE, detail)
    if answer.status in LATER:
        return Result(Outcome.LATER, detail, seconds(answer.headers.get("retry-after")))
    return Result(Outcome.REFUSED, detail)


def _code(body: bytes) -> int:
    try:
        return int(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return 0


def from_url(url: str) -> Sms:
    """Raises ValueError for what is missing in it."""
    parts = split(url)
    sender = unquote(parts.path.strip("/"))
    if not (parts.username and parts.password and sender):
        raise ValueError("give account, token and sender")
    return Sms(
        account=unquote(parts.username),
        secret=unquote(parts.password),
        sender=sender,
        base=base_of(parts, f"https://{parts.hostname}"),
    )

"""The page behind the link that stops mails of one kind, and the script that shows pushes."""

from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from accounts.models import User
from accounts.page_words import Words
from core.pages import answering, read_only
from notifications import kinds
from notifications.mailing import unsubscribing
from notifications.services import preferences

READY = Words(
    "Stop these mails?",
    "They are about: {about}. You keep getting them in the app, where you can also change this.",
    button="Stop these mails",
)
DONE = Words(
    "These mails are stopped",
    "No more mails come about: {about}. In the app you can have them back at any time.",
    "Stopped",
)
REQUIRED = Words(
    "These mails can't be stopped",
    "They are about: {about}. That concerns the safety of your account.",
    "Nothing was changed",
)
UNKNOWN = Words(
    "This link does not work",
    "Perhaps it was cut off on its way. Copy the whole link out of the mail.",
    "Nothing was changed",
)
DIGEST_ABOUT = "the digest of what is unread"


@csrf_exempt  # mail programs post without having seen a page; what they may do is signed
@answering("GET", "HEAD", "POST")
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    found = unsubscribing.read(token)
    user = User.objects.find(found[0]) if found else None
    if found is None or user is None:
        return _show(request, UNKNOWN, status=404)
    kind = kinds.named(found[1])
    about = DIGEST_ABOUT if kind.name == preferences.DIGEST else str(kind.description) or kind.name
    if kind.is_required:
        return _show(request, REQUIRED, about=about)
    if request.method != "POST":
        return _show(request, READY, about=about)
    preferences.stop_mails(user_id=user.pk, kind=kind.name)
    return _show(request, DONE, about=about, is_done=True)


@read_only
def push_worker(request: HttpRequest) -> HttpResponse:
    """The service worker of the console. A worker rules over what lies below it, so it stands here
    and not among the other scripts; browsers look for a newer one whenever they use it.
    """
    response = HttpResponse(_push_worker(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


def _push_worker() -> bytes:
    found = finders.find("tenantry/console/push-worker.js")
    return Path(str(found)).read_bytes()


def _show(
    request: HttpRequest, words: Words, *, about: str = "", is_done: bool = False, status: int = 200
) -> HttpResponse:
    said = Words(words.title, words.text.format(about=about), words.badge, words.button)
    context = {"words": said, "is_done": is_done, "where": "Notifications"}
    response = render(request, "pages/action.html", context, status=status)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response

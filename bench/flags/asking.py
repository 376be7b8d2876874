"""Asks one engine about flags in this process, and tells how long it took.

python -m bench.flags.asking ENGINE reads orders from standard input, a JSON object a line, and
answers each with one: "one" question, over and over for some seconds, or "all" flags for a subject.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.flags import question
from bench.flags.question import FLAG, SUBJECTS, Subject

BATCH = 500
"""Subjects that are asked about between two looks at the clock."""


@dataclass(frozen=True)
class Engine:
    one: Callable[[Any], Any]
    """Whether the flag is on for a subject, as `about` made it."""
    about: Callable[[Subject], Any]
    """What the caller has at hand anyway: a context, a request, a user."""
    all: Callable[[Any], dict[str, bool]] | None = None
    """The answers of every flag."""


# -- Ours ------------------------------------------------------------------------------------------
def context(subject: Subject) -> dict[str, str]:
    return {"userId": subject[0], "organization": subject[1]}


def engine(count: int) -> Engine:
    """The engine alone, with the context at hand."""
    from flags.documents import ruleset

    rules = ruleset(question.ours(count), 1)
    names = question.names(count)
    return Engine(
        one=lambda about: rules.is_enabled(FLAG, about),
        about=context,
        all=lambda about: {name: rules.answer(name, about).enabled for name in names},
    )


def in_code(count: int) -> Engine:
    """`flags.is_enabled`, as code calls it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    import flags
    from flags import documents, snapshots

    snapshots.put(documents.snapshot("production", question.ours(count)))
    names = question.names(count)

    def all_of(about: tuple[Any, str]) -> dict[str, bool]:
        user, organization = about
        return {
            name: flags.is_enabled(name, user=user, organization=organization) for name in names
        }

    return Engine(
        one=lambda about: flags.is_enabled(FLAG, user=about[0], organization=about[1]),
        about=lambda subject: (Person(subject[0]), subject[1]),
        all=all_of,
    )


class Person:
    """What flags read of a User."""

    is_authenticated, is_staff = True, False

    def __init__(self, pk: str) -> None:
        self.pk, self.email = pk, f"{pk}@example.com"


# -- Peers -----------------------------------------------------------------------------------------
def unleash(count: int) -> Engine:
    """From its cache, as its docs tell servers of several processes to."""
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    cache = FileCache("bench")
    cache.bootstrap_from_dict(question.unleash(count))
    client = UnleashClient(
        "http://127.0.0.1:9/api", "bench", cache=cache,
        disable_metrics=True, disable_registration=True,
    )  # fmt: skip
    client.initialize_client(fetch_toggles=False)
    names = question.names(count)

    def about(subject: Subject) -> dict[str, Any]:
        return {"userId": subject[0], "properties": {"organization": subject[1]}}

    return Engine(
        one=lambda context: client.is_enabled(FLAG, context),
        about=about,
        all=lambda context: {name: client.is_enabled(name, context) for name in names},
    )


def growthbook(count: int) -> Engine:
    """The client for servers keeps its loop to itself; its evaluation is this class's."""
    from growthbook import GrowthBook

    client = GrowthBook(features=question.growthbook(count))
    names = question.names(count)

    def one(attributes: dict[str, str]) -> bool:
        client.set_attributes(attributes)
        return client.is_on(FLAG)

    def all_of(attributes: dict[str, str]) -> dict[str, bool]:
        client.set_attributes(attributes)
        return {name: client.is_on(name) for name in names}

    return Engine(one, lambda subject: {"id": subject[0], "organization": subject[1]}, all_of)


def posthog(count: int) -> Engine:
    """By `evaluate_flags`, which its docs now name instead of `feature_enabled`."""
    from posthog import Posthog

    client = Posthog("phc_bench", send=False)
    client.feature_flags = question.posthog(count)
    names = question.names(count)

    def evaluated(subject: Subject, keys: list[str] | None) -> Any:
        properties = {"id": subject[0], "organization": subject[1]}
        return client.evaluate_flags(
            subject[0],
            person_properties=properties,
            only_evaluate_locally=True,
            flag_keys=keys,
        )

    def all_of(subject: Subject) -> dict[str, bool]:
        found = evaluated(subject, None)
        return {name: found.is_enabled(name) for name in names}

    return Engine(
        one=lambda subject: evaluated(subject, [FLAG]).is_enabled(FLAG),
        about=lambda subject: subject,
        all=all_of,
    )


def flagsmith(count: int) -> Engine:
    from flag_engine.engine import get_evaluation_result

    environment = question.flagsmith(count)

    def flags(identity: Any) -> Any:
        return get_evaluation_result({**environment, "identity": identity})["flags"]

    def about(subject: Subject) -> dict[str, Any]:
        return {"identifier": subject[0], "traits": {"organization": subject[1]}}

    return Engine(
        one=lambda identity: flags(identity)[FLAG]["enabled"],
        about=about,
        all=lambda identity: {name: each["enabled"] for name, each in flags(identity).items()},
    )


def waffle(count: int) -> Engine:
    """A request each time, as a view has; organizations are groups. One flag only."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.waffle_settings"
    import django

    django.setup()
    from django.http import HttpRequest
    from waffle import flag_is_active

    people = _waffle_rows()

    def one(user: Any) -> bool:
        request = HttpRequest()
        request.user = user
        return bool(flag_is_active(request, FLAG))

    return Engine(one, lambda subject: people[subject[0]])


def _waffle_rows() -> dict[str, Any]:
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from waffle.models import Flag

    call_command("migrate", verbosity=0)
    users = User.objects.bulk_create([User(username=name) for name, _ in SUBJECTS])
    groups = {f"o{n}": Group(name=f"o{n}") for n in range(question.ORGANIZATIONS)}
    Group.objects.bulk_create(groups.values())
    people = {user.username: user for user in users}
    through = User.groups.through
    through.objects.bulk_create(
        [through(user=people[name], group=groups[tenant]) for name, tenant in SUBJECTS]
    )
    flag = Flag.objects.create(name=FLAG, percent=question.PERCENT)
    flag.users.set([people[name] for name in question.USERS])
    flag.groups.set([groups[name] for name in question.TENANTS])
    return people


ENGINES: dict[str, Callable[[int], Engine]] = {
    "ours, engine": engine,
    "ours": in_code,
    "UnleashClient": unleash,
    "flagsmith-flag-engine": flagsmith,
    "growthbook": growthbook,
    "posthog": posthog,
    "django-waffle": waffle,
}


# -- Measuring -------------------------------------------------------------------------------------
def check(made: Engine, abouts: list[Any]) -> int:
    """Raise unless whoever is named has it; return for how many it is on."""
    answers = [bool(made.one(each)) for each in abouts]
    missed = [
        subject
        for subject, on in zip(SUBJECTS, answers, strict=True)
        if question.named(subject) and not on
    ]
    if missed:
        raise AssertionError(f"not on for {missed[:5]}")
    return sum(answers)


def ask_one(made: Engine, abouts: list[Any], seconds: float) -> dict[str, float]:
    """Return nanoseconds a question, waited and of CPU; what the loop itself takes is taken off."""
    one, asked = made.one, 0
    ended = time.perf_counter() + seconds
    began = time.perf_counter(), time.process_time()
    while time.perf_counter() < ended:
        for each in abouts[:BATCH]:
            one(each)
        asked += BATCH
    waited, used = time.perf_counter() - began[0], time.process_time() - began[1]
    began_empty = time.process_time()
    for _ in range(asked // BATCH):
        for _each in abouts[:BATCH]:
            pass
    loop = time.process_time() - began_empty
    return {"ns": (waited - loop) / asked * 1e9, "cpu_ns": (used - loop) / asked * 1e9}


def ask_all(made: Engine, abouts: list[Any], seconds: float) -> dict[str, float]:
    """Return milliseconds of CPU for every flag and one subject."""
    assert made.all is not None
    began, ended, asked = time.process_time(), time.perf_counter() + seconds, 0
    while time.perf_counter() < ended or not asked:
        made.all(abouts[asked % len(abouts)])
        asked += 1
    return {"cpu_ms": (time.process_time() - began) / asked * 1e3}


def main() -> None:
    made: dict[int, tuple[Engine, list[Any]]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        count = order["flags"]
        if count not in made:
            fresh = ENGINES[sys.argv[1]](count)
            made[count] = fresh, [fresh.about(subject) for subject in SUBJECTS]
        measure = {"one": ask_one, "all": ask_all}
        if made[count][0].all and not any(made[count][0].all(made[count][1][0]).values()):
            raise AssertionError("not on for whoever is named")
        if order["ask"] == "check":
            answer: Any = {"on": check(*made[count])}
        else:
            answer = measure[order["ask"]](*made[count], order["seconds"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

import sys

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"
    summary = "Sign-up, sign-in, sessions and passwords."

    def ready(self) -> None:
        from accounts import demo, keys, prunes, subscribers  # noqa: F401  they register themselves
        from core.demo import register

        prunes.register()
        register("people", demo.seed)
        if sys.argv[1:2] != ["rotate_keys"]:  # which makes the first key of an empty folder
            keys.ring()  # a key that can't be read stops the process here, not at a sign-in

import pytest

from accounts.addresses import canonical, normalize, throttle_key


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("  Bob@Example.COM ", "bob@example.com"),
        ("bob@example.com.", "bob@example.com"),
        ("bob@example\u3002com\u3002", "bob@example.com"),
        ("b.o.b+tag@example.com", "b.o.b+tag@example.com"),
        ("bob@faß.example", "bob@xn--fa-hia.example"),  # IDNA 2003 would have made it fass.example
        ("bob@FAẞ.example", "bob@xn--fa-hia.example"),
        ("bob@xn--fa-hia.example", "bob@xn--fa-hia.example"),
        ("bob@BÜCHER.example", "bob@xn--bcher-kva.example"),
        ("bob@bu\u0308cher.example", "bob@xn--bcher-kva.example"),
        ("bob@\uff45xample.com", "bob@example.com"),
        ("bob@exa\u00admple.com", "bob@example.com"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
    ],
)
def test_spellings_of_an_address_have_one_normal_form(given: str, normal: str) -> None:  # ACC 3
    assert normalize(given) == normal


@pytest.mark.parametrize("given", ["", "@", "a", "a@", "@b.example", "a@b", "a@.", "a@b@c.example"])
@pytest.mark.parametrize("check", [normalize, canonical])
def test_what_lacks_a_part_is_no_address(given: str, check: object) -> None:
    with pytest.raises(ValueError, match=r"address|domain"):
        check(given)  # type: ignore[operator]


@pytest.mark.parametrize(
    "given",
    [
        ".a@example.com",
        "a..b@example.com",
        "a b@example.com",
        '"a b"@example.com',
        "ünicode@example.com",
        "a\x00@example.com",
        "a\ud800@example.com",
        "a@exam\ud800ple.com",
        "a@example..com",
        "a@example.com..",
        f"a@example.com{'.' * 300}",
        f"a@{'b.' * 200}example",
        f"a@{'b' * 64}.example",
        f"{'a' * 65}@example.com",
        f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example",
        "a@exam_ple.com",
        "a@-example.com",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@xn--a.example",
        "a@\u200d.example",
        "a@example.com\r\nBcc: b@example.com",
    ],
)
def test_odd_ones_are_refused_with_a_sentence(given: str) -> None:  # ACC 15
    with pytest.raises(ValueError, match=r"^(This is not|The part behind|An address has).*\.$"):
        normalize(given)


def test_the_canonical_form_keeps_how_the_mailbox_is_written() -> None:
    assert canonical(" Bob.Tag+x@FAẞ.Example. ") == "Bob.Tag+x@xn--fa-hia.example"


@pytest.mark.parametrize(
    "given",
    [
        "bob@bücher.example",
        " B.O.B@Bücher.Example. ",
        "bob+one@xn--bcher-kva.example",
        "b.ob+two+three@BU\u0308CHER.example",
    ],
)
def test_spellings_of_a_mailbox_buy_no_more_tries(given: str) -> None:  # ACC 3
    assert throttle_key(given) == "bob@xn--bcher-kva.example"


def test_other_mailboxes_count_apart() -> None:
    keys = {throttle_key(given) for given in ("bob@a.example", "bob@b.example", "rob@a.example")}

    assert len(keys) == 3


@pytest.mark.parametrize("given", ["", "@", "no address", "a@b", "\ud800", "\x00@", "ﬁ@." * 999])
def test_what_is_no_address_has_a_throttle_key_too(given: str) -> None:
    assert throttle_key(given) == throttle_key(f" {given} ")

"""How an entry of PUSH_URLS is read. Its complaints never repeat what may be a password."""

from urllib.parse import SplitResult, parse_qsl, urlsplit


def split(url: str) -> SplitResult:
    """Raises ValueError for what is no address."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("it is no address") from None


def query_of(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query))


def base_of(parts: SplitResult, usual: str) -> str:
    """Return where the service is: `?at=http://127.0.0.1:9000` for one that stands in for it."""
    return query_of(parts).get("at", usual).rstrip("/")

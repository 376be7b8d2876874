"""What a load test has seen so far: by action how often, how fast, and what went wrong."""

from collections import Counter, deque
from dataclasses import dataclass, field

RECENT = 10_000
"""So many latencies of each action are kept, the latest: memory stays, however long it takes."""


@dataclass
class Action:
    count: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def percentile(self, share: float) -> float:
        """Return milliseconds; 0.0 where nothing was seen."""
        times = sorted(self.seconds)
        return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else 0.0


@dataclass
class Figures:
    actions: dict[str, Action] = field(default_factory=dict)
    sockets_open: int = 0
    sockets_lost: int = 0

    def seen(self, name: str, seconds: float, failure: str = "") -> None:
        action = self.actions.setdefault(name, Action())
        action.count += 1
        if failure:
            action.failures[failure] += 1
        else:
            action.seconds.append(seconds)

    def line(self, elapsed: float) -> str:
        """Tell in one line how it goes."""
        told = [f"{elapsed:4.0f} s"]
        for name, action in self.actions.items():
            wrong = sum(action.failures.values())
            told.append(
                f"{name} {action.count / max(elapsed, 1e-9):.0f}/s p50 {action.percentile(0.5):.0f}"
                f" p99 {action.percentile(0.99):.0f} ms{f' {wrong} failed' if wrong else ''}"
            )
        return " | ".join(told) + f" | {self.sockets_open} sockets"

    def result(self, elapsed: float) -> dict[str, object]:
        return {
            "seconds": round(elapsed, 1),
            "sockets": {"open": self.sockets_open, "lost": self.sockets_lost},
            "actions": {
                name: {
                    "count": action.count,
                    "per_second": round(action.count / max(elapsed, 1e-9), 1),
                    "p50_ms": round(action.percentile(0.5), 1),
                    "p99_ms": round(action.percentile(0.99), 1),
                    "failures": dict(action.failures),
                }
                for name, action in self.actions.items()
            },
        }

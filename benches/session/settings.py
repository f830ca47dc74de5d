"""This is where it stands how long everything is measured."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Settings:
    """Of a whole session, or of a short pass."""

    directory: Path
    quick: bool

    @property
    def rounds(self):
        return 1 if self.quick else 3

    @property
    def seconds(self):
        return 1 if self.quick else 5

    @property
    def warm_up(self):
        return 0.3 if self.quick else 1

    @property
    def timing(self):
        return "--duration", f"{self.seconds}s", "--warm-up", f"{int(self.warm_up * 1000)}ms"

    @property
    def idle_sockets(self):
        return 1_000 if self.quick else 10_000

    @property
    def idle_seconds(self):
        return 2 if self.quick else 10

    @property
    def sizes(self):
        return [1_000, 20_000, 100_000] if self.quick else [1_000, 1_000_000, 10_000_000]

    @property
    def patterns(self):
        return 1_000 if self.quick else 10_000

    @property
    def redis_calls(self):
        return 20_000 if self.quick else 500_000


def tell(text):
    """Progress."""
    print(text, flush=True)

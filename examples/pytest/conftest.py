"""Fixtures that any project can copy: a gateway for each test, and a mock of one.

The binary is `guestlist`, or whatever GUESTLIST_BIN says. Every process listens on port 0, which means any free one, and says
on its first line where; so tests may run side by side.
"""

import os
import subprocess
from contextlib import ExitStack, contextmanager

import pytest

GUESTLIST = os.environ.get("GUESTLIST_BIN", "guestlist")


@contextmanager
def running(*args):
    """Runs a command of the binary until the block ends, and gives the URL that bots connect to."""
    with subprocess.Popen([GUESTLIST, *args], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().rstrip().rpartition(" ")[2]
            assert url.startswith("ws://"), f"guestlist {args[0]} did not start"
            yield url
        finally:
            process.terminate()
    # A mock that was sent something unknown ends with 1, and has told on stderr what it was.
    assert process.returncode == 0, f"guestlist {args[0]} ended with {process.returncode}"


@pytest.fixture
def gateway(tmp_path):
    """The URL of a gateway with the demo data, which is gone after the test."""
    with running("serve", "--demo", "--listen", "127.0.0.1:0", "--data", str(tmp_path), "--log", "warn") as url:
        yield url


@pytest.fixture
def mock():
    """Starts a mock that answers from a transcript, and gives its URL."""
    with ExitStack() as stack:
        yield lambda *transcripts: stack.enter_context(running("mock", *map(str, transcripts)))


@pytest.fixture
def replay():
    """Replays a transcript against a gateway; a test fails with the report where something differs."""

    def replay(transcript, url):
        command = [GUESTLIST, "replay", "--url", url, str(transcript)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    return replay

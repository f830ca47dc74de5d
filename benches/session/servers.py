"""This is where servers are started, one at a time and on a core of their own, and put under load from another."""

import json
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .machine import BENCH, LOAD_CORE, PROJECT, RELEASE, SERVER_CORE, TOOLS

APP = "90090684293000559"
BOT = "90091784056528980:0:DemoBotTokenForLocalUseOnly001"

# A start from ten million records of a journal is the longest wait.
START_SECONDS_MAX = 900
# A stop makes a snapshot, of ten million entries at most.
STOP_SECONDS_MAX = 900


class Failed(Exception):
    """A server did not start, or a load did not go through."""


@dataclass
class Running:
    """A server that listens."""

    process: subprocess.Popen
    url: str
    started_in: float

    @property
    def pid(self):
        return self.process.pid


def guestlist(data, *options):
    """The gateway, as it is shipped: every change is on disk before its ack."""
    return [RELEASE / "guestlist", "serve", "--demo", "--listen", "127.0.0.1:0", "--log", "error", "--data", data, *options]


def peers():
    """The volatile servers by their names."""
    node = TOOLS / "node"
    bun = next((node / "node_modules/@oven").glob("*/bin/bun"), node / "node_modules/.bin/bun")
    return {
        "echo": [RELEASE / "echo", "0"],
        "bare": [RELEASE / "bare", "0"],
        "bare, mimalloc": [RELEASE / "bare_mimalloc", "0"],
        "jsonrpsee": [RELEASE / "jsonrpsee", "0"],
        "Bun": [bun, node / "bun.js", "0"],
        "Node ws, corked": ["node", node / "node.js", "0", "--corked"],
        "Node ws, plain": ["node", node / "node.js", "0"],
        "Python websockets": [TOOLS / "python/bin/python", PROJECT / "benches/peers/python/peer.py", "0"],
    }


def pinned(cores, command):
    return ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]


@contextmanager
def running(command, cores=(SERVER_CORE,)):
    """A server for as long as the block lasts."""
    log = BENCH / "server.log"
    with log.open("w") as stderr:
        begun = time.perf_counter()
        process = subprocess.Popen(pinned(cores, command), stdout=subprocess.PIPE, stderr=stderr, text=True)
        try:
            line = listening(process)
            started_in = time.perf_counter() - begun
            if not line:
                raise Failed(f"{Path(command[0]).name} did not start: {log.read_text()[-400:].strip()}")
            yield Running(process, line.split()[-1], started_in)
        finally:
            stop(process)


def listening(process):
    """The line by which a server says where it listens."""
    timer = threading.Timer(START_SECONDS_MAX, process.kill)
    timer.start()
    try:
        return next((line.strip() for line in process.stdout if line.startswith("listening on ws://")), None)
    finally:
        timer.cancel()


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


@contextmanager
def gateway(directory, *options, cores=(SERVER_CORE,)):
    """The gateway with a data directory that is empty, and gone afterwards."""
    data = tempfile.mkdtemp(prefix="gateway-", dir=directory)
    try:
        with running(guestlist(data, *options), cores) as server:
            yield server
            # What a stop in good order would write down is thrown away here.
            server.process.kill()
    finally:
        shutil.rmtree(data)


@contextmanager
def serving(name, directory):
    """A server by its name."""
    with gateway(directory) if name == "guestlist" else running(peers()[name]) as server:
        yield server


def load(server, *options, cores=(LOAD_CORE,)):
    """What `guestlist bench` says of a load."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [RELEASE / "guestlist", "bench", "--url", server.url, "--token", BOT, "--pid", server.pid, "--json", report.name]
        done = subprocess.run(pinned(cores, [*command, *options]), capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed((done.stderr.strip() or done.stdout.strip())[-400:])
        return json.load(report)


def json_rpc_load(server, connections, in_flight, seconds, warm_up):
    """The same of a load for the JSON-RPC peer."""
    command = [RELEASE / "jsonrpsee_load", server.url, connections, in_flight, seconds, warm_up, server.pid]
    done = subprocess.run(pinned([LOAD_CORE], command), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-400:])
    return json.loads(done.stdout)


def call(server, message):
    """Sends one message."""
    command = [RELEASE / "guestlist", "call", json.dumps(message), "--url", server.url, "--token", BOT, "--wait", "60"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed((done.stdout + done.stderr).strip()[-400:])


def snapshots(data):
    """The whole snapshots of a data directory."""
    return [path for path in Path(data).iterdir() if re.fullmatch(r"snapshot-\d+", path.name)]

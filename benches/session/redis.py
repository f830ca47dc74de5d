"""The gateway against Redis that also has every change on disk before it answers: acks for each second of processor time."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager

from .figures import Mark, field, rate, ratio, table
from .machine import LOAD_CORE, SERVER_CORE, cpu_seconds
from .servers import Failed, gateway, load, pinned, stop
from .settings import tell

TITLE = "Redis"

CLIENTS = 50
PIPELINES = [1, 16]

START_SECONDS_MAX = 10

# As long as a sign-up id of the bench.
MEMBER = "guest__rand_int__@x.test"


def measure(settings):
    if not (shutil.which("redis-server") and shutil.which("redis-benchmark")):
        return None
    rows = []
    for number in range(settings.rounds):
        for pipeline in PIPELINES:
            ours, theirs = guestlist(settings, pipeline), redis(settings, pipeline)
            rows.append({"pipeline": pipeline, "guestlist": ours, "redis": theirs})
            tell(f"redis, round {number + 1}, pipeline {pipeline}: {per_cpu(ours)} acks a CPU second to {per_cpu(theirs)}")
    return rows


def guestlist(settings, pipeline):
    with gateway(settings.directory) as server:
        shape = ("--connections", CLIENTS, "--in-flight", pipeline, "--mix", "addToWhitelist")
        report = load(server, *shape, *settings.timing)
    return {"rate": report["rate"], "per_cpu_second": 1e6 / report["server"]["cpu_us_per_message"]}


def redis(settings, pipeline):
    with redis_server(settings.directory) as (process, port):
        before = cpu_seconds(process.pid)
        command = ["redis-benchmark", "-p", port, "-c", CLIENTS, "-P", pipeline, "-n", settings.redis_calls]
        command += ["-r", 1_000_000_000, "-q", "SADD", "guests", MEMBER]
        done = subprocess.run(pinned([LOAD_CORE], command), capture_output=True, text=True)
        took = cpu_seconds(process.pid) - before
    found = re.findall(r"([\d.]+) requests per second", done.stdout)
    if not found:
        raise Failed((done.stdout + done.stderr)[-400:])
    return {"rate": float(found[-1]), "per_cpu_second": settings.redis_calls / took}


@contextmanager
def redis_server(directory):
    """Redis, which flushes before it answers."""
    data = tempfile.mkdtemp(prefix="redis-", dir=directory)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", port, "--dir", data, "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    process = subprocess.Popen(
        ["taskset", "-c", str(SERVER_CORE), "redis-server", *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        await_port(port)
        yield process, port
    finally:
        stop(process)
        shutil.rmtree(data)


def await_port(port):
    begun = time.perf_counter()
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.perf_counter() - begun > START_SECONDS_MAX:
                raise Failed("redis-server did not start") from None
            time.sleep(0.05)


def per_cpu(report):
    return rate(report["per_cpu_second"])


def report(rows):
    if rows is None:
        return ["There was no redis-server.", ""], [Mark("against Redis `appendfsync always`", "ahead in acks per CPU second", "–", None)]
    cells, marks = [], []
    for pipeline in PIPELINES:
        ours, theirs = ([row[who] for row in rows if row["pipeline"] == pipeline] for who in ("guestlist", "redis"))
        ahead = ratio(ours, theirs, "per_cpu_second")
        for who, reports in (("guestlist", ours), ("Redis", theirs)):
            cells.append([f"{who}, {CLIENTS} × {pipeline}", rate(field(reports, "rate")), rate(field(reports, "per_cpu_second"))])
        what = f"against Redis `appendfsync always`, {CLIENTS} × {pipeline}"
        marks.append(Mark(what, "ahead in acks per CPU second", f"{ahead:.2f} ×", ahead > 1))
    lines = ["`appendfsync always`, `SADD` of 24 bytes, load by redis-benchmark; both have every change on disk before the ack.", ""]
    return lines + table(["server", "acks/s", "acks a CPU second"], cells), marks

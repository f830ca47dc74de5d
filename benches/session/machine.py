"""This is where the machine is looked at: what it is, how long its disk takes, and what a process uses of it."""

import contextlib
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")).resolve()
RELEASE = TARGET / "release"
BENCH = PROJECT / "target" / "bench"
TOOLS = BENCH / "tools"

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[1] if len(CORES) > 1 else CORES[0]

# What a journal appends for one change, more or less.
APPEND_BYTES = 256
APPENDS = 100


def describe():
    """What figures depend on."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    return {
        "processor": f"{model[1] if model else platform.machine()}, {len(CORES)} cores",
        "memory": f"{memory / 2**20:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions():
    """Of everything that is measured, and of what it is made with."""
    bun = next((TOOLS / "node/node_modules/@oven").glob("*/bin/bun"), None)
    commit = run(["git", "-C", PROJECT, "describe", "--always", "--dirty", "--exclude", "*"])
    lock = (PROJECT / "benches/peers/rust/Cargo.lock").read_text()
    crate = lambda name: re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock)[1]
    packages = TOOLS / "python/bin/python", "-c", "import websockets; print(websockets.__version__)"
    package = TOOLS / "node/node_modules/ws/package.json"
    return {
        "guestlist": f"{run([RELEASE / 'guestlist', '--version']).split()[-1]} ({commit})",
        "rustc": run(["rustc", "--version"]).split()[1],
        **{name: crate(name) for name in ("tokio-tungstenite", "jsonrpsee", "mimalloc")},
        "node": run(["node", "--version"]),
        "ws": re.search(r'"version": "([^"]+)"', package.read_text())[1],
        "bun": run([bun, "--version"]) if bun else "–",
        "python": platform.python_version() if not TOOLS.exists() else run([TOOLS / "python/bin/python", "--version"]).split()[-1],
        "websockets": run(packages),
        "redis": next(iter(re.findall(r"v=([\d.]+)", run(["redis-server", "--version"]))), "–"),
    }


def run(command):
    if shutil.which(str(command[0])) is None:
        return ""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False).stdout.strip()


def flush_us(directory):
    """How long a small append takes to be on disk: the median of some, in microseconds."""
    path = Path(directory) / "flush"
    took = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(APPENDS):
            begun = time.perf_counter()
            os.write(file, b"x" * APPEND_BYTES)
            os.fdatasync(file)
            took.append((time.perf_counter() - begun) * 1e6)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(took)


def cpu_seconds(pid):
    """Of all threads of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def thread_cpu_seconds(pid):
    """Of each thread of a process, by its number."""
    seconds = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            seconds[int(task.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def rss_bytes(pid):
    """What a process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stolen_seconds():
    """Processor time that other machines on the same host took from this one, since it was started."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / os.sysconf("SC_CLK_TCK")


def raise_descriptor_limit():
    """As far as it may be: ten thousand sockets are wanted."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

"""What many entries cost: memory, the start from a snapshot and from the journal alone, and each method."""

import shutil
import tempfile
import time

from .figures import Mark, at_least, at_most, micros, rate, seconds, table
from .machine import CORES, cpu_seconds, rss_bytes
from .servers import Failed, gateway, guestlist, load, running, snapshots
from .settings import tell

TITLE = "Many entries"

# What the bench's sign-up ids have.
ID_BYTES = 24

NEVER = "1000000000000"

# By how much a method may take longer at the largest size than at the smallest and still be called flat.
FLAT = 1.25

METHODS = {
    "add": ("--mix", "addToWhitelist"),
    "add and remove": ("--mix", "addToWhitelist,removeFromWhitelist"),
    "check": ("--mix", "checkAccess"),
    "page": ("--mix", "getWhitelistUsers"),
}


def measure(settings):
    with gateway(settings.directory) as server:
        empty = rss_bytes(server.pid)
    return [one(settings, size, empty) for size in settings.sizes]


def one(settings, size, empty):
    """Fills a directory, and starts from it in both ways."""
    tell(f"scale: {size:,} entries")
    data = tempfile.mkdtemp(prefix="scale-", dir=settings.directory)
    try:
        row = {"size": size, "empty_rss": empty}
        with running(guestlist(data, "--snapshot-every", NEVER)) as server:
            load(server, "--mix", "addToWhitelist", "--count", size, "--ids", size)
            row["filled_rss"] = rss_bytes(server.pid)
            # A stop in good order would make a snapshot.
            server.process.kill()
        if snapshots(data):
            raise Failed("there is a snapshot where the journal should be alone")
        with running(guestlist(data, "--snapshot-every", NEVER), CORES) as server:
            row["journal_start"], row["journal_cpu"] = server.started_in, cpu_seconds(server.pid)
            begun = time.perf_counter()
        row["stopped_in"] = time.perf_counter() - begun
        if not snapshots(data):
            raise Failed("the stop made no snapshot")
        with running(guestlist(data, "--snapshot-every", NEVER), CORES) as server:
            row["snapshot_start"], row["snapshot_cpu"] = server.started_in, cpu_seconds(server.pid)
            row["snapshot_rss"] = rss_bytes(server.pid)
        with running(guestlist(data, "--snapshot-every", NEVER)) as server:
            row["methods"] = {name: method(settings, server, size, *mix) for name, mix in METHODS.items()}
    finally:
        shutil.rmtree(data)
    tell(f"  start {seconds(row['journal_start'])} from the journal, {seconds(row['snapshot_start'])} from a snapshot, {each(row):.0f} B each")
    return row


def method(settings, server, size, *mix):
    ids = ("--ids", size) if "checkAccess" in mix[1] else ()
    report = load(server, *mix, *ids, *settings.timing)
    return {"cpu": report["server"]["cpu_us_per_message"], "p999": report["latency_us"]["p999"]}


def each(row, rss="snapshot_rss"):
    """Bytes of an entry beyond its own text."""
    return (row[rss] - row["empty_rss"]) / row["size"] - ID_BYTES


def report(rows):
    large = [row for row in rows if row["size"] > 1_000]
    head = ["entries", "B each, filled live", "B each, from a snapshot", "start, journal", "records/s", "start, snapshot", "stop, with a snapshot made"]
    cells = [
        [
            f"{row['size']:,}",
            *(f"{each(row, rss):.0f}" for rss in ("filled_rss", "snapshot_rss")),
            start(row, "journal"),
            rate(row["size"] / row["journal_start"]),
            start(row, "snapshot"),
            seconds(row["stopped_in"]),
        ]
        for row in large
    ]
    lines = [
        f"Ids of {ID_BYTES} bytes with one tag, each added by a message of its own; bytes are RSS beyond that of a gateway without "
        "entries and beyond the id. A start is from the process's begin until it listens, with all cores and with files in the page "
        "cache; in brackets the processor time it took.",
        "",
        *table(head, cells),
        "Server CPU for a message in µs, 50 × 16, by the entries that stand; and the p99.9 in ms.",
        "",
        *table(["entries", *METHODS], [method_row(row) for row in rows]),
    ]
    return lines, marks(rows)


def start(row, what):
    return f"{seconds(row[f'{what}_start'])} ({seconds(row[f'{what}_cpu'])})"


def method_row(row):
    return [f"{row['size']:,}", *(f"{micros(one['cpu'])} ({one['p999'] / 1000:.1f})" for one in row["methods"].values())]


def marks(rows):
    small, middle, large = rows[0], rows[1], rows[-1]
    name = f"{middle['size']:,} entries"
    flat = {what: one["cpu"] / small["methods"][what]["cpu"] for what, one in large["methods"].items()}
    flat_text = ", ".join(f"{what} {value:.2f} ×" for what, value in flat.items())
    records = middle["size"] / middle["journal_start"]
    return [
        at_most(name, "≤ 150 B each beyond the text", each(middle), 150, lambda value: f"{value:.0f} B"),
        at_most("", "start from a snapshot ≤ 1 s", middle["snapshot_start"], 1, seconds),
        at_most(f"{large['size']:,} entries", "start ≤ 10 s", large["snapshot_start"], 10, seconds),
        Mark("", f"flat (≤ {FLAT} × the CPU at {small['size']:,})", flat_text, max(flat.values()) <= FLAT),
        at_least("recovery by journal alone", "≥ 500,000 records/s", records, 500_000, lambda value: f"{value:,.0f}/s"),
    ]

"""What a decision costs when the lists are long: checks against an empty list, and against a million entries and ten thousand patterns."""

from .figures import at_most, field, micros, percent, rate, ratio, table
from .servers import APP, call, gateway, load
from .settings import tell

TITLE = "Checks against long lists"

PATTERNS_PER_CALL = 1_000

# The idle one of the two gateways is to be really idle.
NO_SNAPSHOTS = ("--snapshot-every", "1000000000000")


def measure(settings):
    rows = []
    people = settings.sizes[1]
    with gateway(settings.directory, *NO_SNAPSHOTS) as empty, gateway(settings.directory, *NO_SNAPSHOTS) as full:
        tell(f"checks: {people:,} entries and {settings.patterns:,} patterns")
        load(empty, "--mix", "addToWhitelist", "--count", 1, "--connections", 1, "--ids", 1)
        load(full, "--mix", "addToWhitelist", "--count", people, "--ids", people)
        fill_patterns(full, settings.patterns)
        for number in range(settings.rounds):
            row = {
                "stranger, empty lists": check(settings, empty),
                "stranger, full lists": check(settings, full),
                "guest, alone on the list": check(settings, empty, "--ids", 1),
                "guest, full lists": check(settings, full, "--ids", people),
            }
            rows.append(row)
            tell(f"  round {number + 1}: " + ", ".join(f"{rate(report['rate'])}/s {what}" for what, report in row.items()))
    return {"people": people, "patterns": settings.patterns, "rows": rows}


def fill_patterns(server, count):
    """Onto the blacklist, against all of which every check goes: a third each of what ends, begins and has something in it."""
    patterns = [(f".*@company{n}\\.example", f"team{n}-.*", f".*-banned{n}-.*")[n % 3] for n in range(count)]
    for start in range(0, count, PATTERNS_PER_CALL):
        some = patterns[start : start + PATTERNS_PER_CALL]
        call(server, {"method": "addBlacklistPatterns", "app_id": APP, "patterns": some, "reference": start})


def check(settings, server, *ids):
    return load(server, "--mix", "checkAccess", *ids, *settings.timing)


def report(figures):
    rows = figures["rows"]
    column = {what: [row[what] for row in rows] for what in rows[0]}
    pairs = [("stranger, empty lists", "stranger, full lists"), ("guest, alone on the list", "guest, full lists")]
    cells = [
        [what, rate(field(reports, "rate")), micros(field(reports, "server", "cpu_us_per_message"))]
        for what, reports in column.items()
    ]
    cost = lambda short, long: ratio(column[long], column[short], "server", "cpu_us_per_message")
    worst = max((cost(*pair) for pair in pairs if cost(*pair)), default=None)
    what = f"checks, {figures['people']:,} entries, {figures['patterns']:,} patterns"
    lines = [
        f"{figures['people']:,} on the whitelist, {figures['patterns']:,} patterns on the blacklist, 50 × 16. A guest's answer holds "
        "the entry, a stranger's does not, so each is held against its like; both gateways run at once, and one is idle.",
        "",
        *table(["who is asked about", "checks/s", "server CPU µs"], cells),
    ]
    return lines, [at_most(what, "within 20 % of an empty list", worst, 1.2, lambda cost: f"{percent(cost)} of its CPU")]

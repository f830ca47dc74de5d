"""Rate, latency and processor time of every server, in every shape of load: servers in turn, round after round."""

from .figures import Mark, at_least, at_most, field, micros, millis, percent, rate, ratio, table
from .machine import flush_us
from .servers import Failed, json_rpc_load, load, peers, serving
from .settings import tell

TITLE = "Rate, latency and processor time"

ADD, CHECK, LIST = "addToWhitelist", "checkAccess", "getWhitelistUsers"
SHAPES = [(ADD, 1, 1), (ADD, 50, 1), (ADD, 50, 16), (ADD, 500, 4), (CHECK, 50, 16), (LIST, 50, 16)]

# People on the list that is asked about, or listed.
PEOPLE = 10_000

# What is no handler, or is the one that all are held against.
NO_RIVALS = {"guestlist", "echo", "bare", "bare, mimalloc"}


def measure(settings):
    rounds = []
    for number in range(settings.rounds):
        for method, connections, in_flight in SHAPES:
            shape = name(method, connections, in_flight)
            tell(f"round {number + 1} of {settings.rounds}: {shape}")
            row = {"shape": shape, "flush_us": flush_us(settings.directory), "servers": {}}
            for server in servers(method):
                row["servers"][server] = one(settings, server, method, connections, in_flight)
            rounds.append(row)
    return rounds


def name(method, connections, in_flight):
    return f"{method} {connections} × {in_flight}"


def servers(method):
    """The gateway first and then those it is held against, so that they are next to each other in time."""
    others = [peer for peer in ["bare", "bare, mimalloc", *peers()] if not (peer == "jsonrpsee" and method != ADD)]
    return ["guestlist", *dict.fromkeys(others)]


def one(settings, server_name, method, connections, in_flight):
    try:
        with serving(server_name, settings.directory) as server:
            if server_name == "jsonrpsee":
                report = json_rpc_load(server, connections, in_flight, settings.seconds, settings.warm_up)
            else:
                ids = () if method == ADD else ("--ids", PEOPLE)
                if ids and server_name != "echo":
                    load(server, "--mix", ADD, "--count", PEOPLE, *ids)
                shape = ("--connections", connections, "--in-flight", in_flight, "--mix", method)
                report = load(server, *shape, *ids, *settings.timing)
    except Failed as failed:
        tell(f"  {server_name:<18} failed: {failed}")
        return None
    cpu = report["server"]["cpu_us_per_message"]
    tell(f"  {server_name:<18} {report['rate']:>10,.0f}/s  p99 {millis(report['latency_us']['p99'])} ms  {micros(cpu)} µs")
    return report


def report(rounds):
    by_shape = {}
    for row in rounds:
        by_shape.setdefault(row["shape"], []).append(row)
    shapes = {shape: Shape(rows) for shape, rows in by_shape.items()}
    lines = [
        "One core for the server and another for the load. `guestlist` runs as it is shipped, with every change on disk before its "
        "ack and with snapshots; all others keep theirs in memory alone, and lose them. `bare` is the bare volatile handler: "
        "tokio-tungstenite, borrowed JSON, a map, one flush a batch, the allocator of the system; the one with mimalloc has the "
        "allocator that the gateway has too. `echo` sends every frame back, and is no handler. The ratio is that of the rates, to "
        "`bare` in the same round.",
        "",
    ]
    for name_of_shape, shape in shapes.items():
        flush = f" (a flush took {millis(shape.flush)} ms)" if name_of_shape.startswith(ADD) else ""
        lines += [f"### {name_of_shape}{flush}", "", *shape.table()]
    return lines, marks(shapes)


class Shape:
    """What was measured in one shape of load, over all rounds."""

    def __init__(self, rows):
        self.flush = field(rows, "flush_us")
        names = rows[0]["servers"]
        self.reports = {server: [row["servers"][server] for row in rows] for server in names}

    def of(self, server, *path):
        return field(self.reports.get(server, []), *path)

    def to(self, other, server="guestlist"):
        return ratio(self.reports[server], self.reports[other], "rate")

    def at_least(self, what, wanted, bound):
        """A mark for the rate, which is held against the bare handler; with the gateway's own allocator that one is faster."""
        faster = percent(self.to("bare, mimalloc"))
        return at_least(what, wanted, self.to("bare"), bound, lambda value: f"{percent(value)} ({faster} of it with mimalloc)")

    def best_rival(self):
        rates = {server: self.of(server, "rate") for server in self.reports if server not in NO_RIVALS}
        return max(((value, server) for server, value in rates.items() if value), default=(None, "–"))

    def table(self):
        head = ["server", "messages/s", "to bare", "p50 ms", "p99 ms", "p99.9 ms", "server CPU µs", "core used", "load CPU µs"]
        return table(head, [self.row(server) for server in self.reports])

    def row(self, server):
        used = median_use(self.reports[server])
        latency = [millis(self.of(server, "latency_us", key)) for key in ("p50", "p99", "p999")]
        cpu = micros(self.of(server, "server", "cpu_us_per_message"))
        client = micros(self.of(server, "client", "cpu_us_per_message"))
        return [server, rate(self.of(server, "rate")), percent(self.to("bare", server)), *latency, cpu, percent(used), client]


def median_use(reports):
    return field([report and {"use": report["server"]["cpu_seconds"] / report["seconds"]} for report in reports], "use")


def marks(shapes):
    made = []
    one_way = lambda method, connections, in_flight: shapes.get(name(method, connections, in_flight))
    if shape := one_way(ADD, 50, 16):
        made.append(shape.at_least("durable acks/s, one core, 50 × 16", "≥ 85 % of bare", 0.85))
        ours, (theirs, rival) = shape.of("guestlist", "rate"), shape.best_rival()
        measured = f"{rate(ours)} to {rate(theirs)} of {rival}"
        made.append(Mark("", "ahead of every volatile peer", measured, ours > theirs if ours and theirs else None))
    for connections, in_flight in ((50, 1), (500, 4)):
        if shape := one_way(ADD, connections, in_flight):
            what = f"durable acks/s, {connections} × {in_flight}"
            made.append(shape.at_least(what, "≥ 80 % of bare", 0.8))
            bare, flush = shape.of("bare", "latency_us", "p99"), shape.flush
            bound = bare and 2 * bare + flush
            wanted = f"p99 ≤ 2 × bare's + a flush = {millis(bound)} ms"
            made.append(at_most("", wanted, shape.of("guestlist", "latency_us", "p99"), bound, lambda us: f"{millis(us)} ms"))
    if shape := one_way(ADD, 1, 1):
        bare = shape.of("bare", "latency_us", "p50")
        bound = bare and 1.3 * (shape.flush + bare)
        wanted = f"p50 ≤ 1.3 × (a flush + bare's) = {millis(bound)} ms"
        made.append(at_most("1 × 1 durable", wanted, shape.of("guestlist", "latency_us", "p50"), bound, lambda us: f"{millis(us)} ms"))
    for method in (CHECK, LIST):
        if shape := one_way(method, 50, 16):
            made.append(shape.at_least(f"{method}, 50 × 16", "≥ 90 % of bare", 0.9))
    return made

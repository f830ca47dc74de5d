"""What a second core is worth."""

from .figures import at_least, field, median, micros, percent, rate, table
from .machine import CORES, thread_cpu_seconds
from .servers import gateway, load
from .settings import tell

TITLE = "A second core"


def measure(settings):
    rows = []
    for number in range(settings.rounds):
        row = {"one": one(settings, CORES[:1]), "two": one(settings, CORES[:2])}
        rows.append(row)
        tell(f"cores, round {number + 1}: one {rate(row['one']['rate'])}/s, two {rate(row['two']['rate'])}/s")
    return {"rows": rows, "shared": len(CORES) < 3}


def one(settings, cores):
    """The load has a core of its own where there is one left."""
    load_cores = CORES[len(cores) :] or CORES
    with gateway(settings.directory, cores=cores) as server:
        before = thread_cpu_seconds(server.pid)
        report = load(server, "--mix", "addToWhitelist", *settings.timing, cores=load_cores)
        after = thread_cpu_seconds(server.pid)
    threads = sorted((after[thread] - before.get(thread, 0) for thread in after), reverse=True)
    report["busiest_thread"] = threads[0] / max(sum(threads), 1e-9)
    return report


def report(figures):
    column = {cores: [row[cores] for row in figures["rows"]] for cores in ("one", "two")}
    use = {cores: [{"use": one["server"]["cpu_seconds"] / one["seconds"]} for one in reports] for cores, reports in column.items()}
    cells = [
        [
            cores,
            rate(field(reports, "rate")),
            micros(field(reports, "server", "cpu_us_per_message")),
            percent(field(use[cores], "use")),
            percent(field(reports, "busiest_thread")),
        ]
        for cores, reports in column.items()
    ]
    measured = median([row["two"]["rate"] / row["one"]["rate"] for row in figures["rows"]])
    # What the server would do with the time that it had to leave to the load, at what it took for each message.
    capacity = median([2 * cpu(row["one"]) / cpu(row["two"]) for row in figures["rows"]])
    bound = median([cpu(row["one"]) / (cpu(row["two"]) * row["two"]["busiest_thread"]) for row in figures["rows"]])
    estimated = min(capacity, bound)
    head = ["cores for the server", "acks/s", "server CPU µs", "cores used", "busiest thread's share"]
    lines = ["addToWhitelist, 50 × 16.", "", *table(head, cells)]
    if not figures["shared"]:
        mark = at_least("two cores given", "≥ 1.5 × one core", measured, 1.5, lambda value: f"{value:.2f} ×")
        return lines, [mark]
    lines += [
        "This machine has two cores in all, so the load takes its part of the server's second: the rate with two is no measure of "
        f"what two are worth ({measured:.2f} × one here). By processor time, two whole cores would carry {capacity:.2f} × as many "
        f"acks, at what an ack took with two; and as many as the busiest thread lets through, {bound:.2f} × one core. The smaller "
        "of both is held against the mark. It is an estimate.",
        "",
    ]
    return lines, [at_least("two cores given", "≥ 1.5 × one core", estimated, 1.5, lambda value: f"{value:.2f} ×, estimated")]


def cpu(report):
    return report["server"]["cpu_us_per_message"]

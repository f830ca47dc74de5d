"""The command line, and the order of a session: each section is measured, kept as JSON, and told in the report."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from . import checks, cores, idle, redis, scale, throughput
from .machine import BENCH, CORES, PROJECT, describe, raise_descriptor_limit, stolen_seconds, versions
from .report import write
from .servers import Failed
from .settings import Settings, tell

SECTIONS = {"throughput": throughput, "checks": checks, "cores": cores, "idle": idle, "scale": scale, "redis": redis}


def main():
    # So that servers are stopped and their data removed, however a session ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    args = arguments()
    name = "quick" if args.quick else "session"
    kept = BENCH / f"{name}.json"
    results = BENCH / "quick.md" if args.quick else PROJECT / "benches/RESULTS.md"
    session = json.loads(kept.read_text()) if (args.only or args.report) and kept.exists() else {}
    if not args.report:
        take(args, session, kept)
    write(session, SECTIONS, results)
    tell(f"written: {results.relative_to(PROJECT)}")


def arguments():
    parser = argparse.ArgumentParser(prog="benches/run", description="Measures the gateway and its peers, and writes benches/RESULTS.md.")
    parser.add_argument("--quick", action="store_true", help="a short pass into target/bench/quick.md")
    parser.add_argument("--only", metavar="SECTIONS", help=f"some of {','.join(SECTIONS)}; the others stay as they were measured")
    parser.add_argument("--report", action="store_true", help="measure nothing; write the report again")
    parser.add_argument("--dir", type=Path, default=BENCH / "data", help="where servers keep their data [default: target/bench/data]")
    args = parser.parse_args()
    args.sections = args.only.split(",") if args.only else list(SECTIONS)
    for section in args.sections:
        if section not in SECTIONS:
            parser.error(f"there is no section {section!r}; there are {', '.join(SECTIONS)}")
    return args


def take(args, session, kept):
    args.dir.mkdir(parents=True, exist_ok=True)
    raise_descriptor_limit()
    settings = Settings(args.dir.resolve(), args.quick)
    busy = os.getloadavg()[0]
    if busy > 0.3:
        tell(f"this machine is busy (load {busy:.1f}): trust ratios and CPU time, not rates")
    if len(CORES) < 2:
        tell("this machine has one core: server and load share it, and rates say little")
    session |= {"machine": describe(), "versions": versions()}
    for name in args.sections:
        begun, stolen = time.time(), stolen_seconds()
        try:
            figures = SECTIONS[name].measure(settings)
        except Failed as failed:
            tell(f"{name} failed: {failed}")
            continue
        stolen = (stolen_seconds() - stolen) / (time.time() - begun) / len(CORES)
        session[name] = {"date": time.strftime("%Y-%m-%d %H:%M", time.gmtime(begun)), "stolen": stolen, "load": busy}
        session[name] |= {"of": session["versions"]["guestlist"], "figures": figures}
        kept.write_text(json.dumps(session))


if __name__ == "__main__":
    main()

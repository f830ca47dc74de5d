"""What a socket costs that is signed in and silent."""

from .figures import Mark, table
from .servers import Failed, load, serving
from .settings import tell

TITLE = "Idle sockets"

SERVERS = ["guestlist", "bare", "Bun", "Node ws, plain", "Python websockets"]


def measure(settings):
    sockets = {}
    for name in SERVERS:
        try:
            with serving(name, settings.directory) as server:
                held = load(server, "--idle", "--connections", settings.idle_sockets, "--duration", f"{settings.idle_seconds}s")
                sockets[name] = held["server"]["rss_bytes_per_socket"]
        except Failed as failed:
            tell(f"idle: {name} failed: {failed}")
            sockets[name] = None
        else:
            tell(f"idle: {name} {sockets[name]:,.0f} bytes a socket")
    return {"connections": settings.idle_sockets, "bytes": sockets}


def report(figures):
    text = lambda value: "–" if value is None else f"{value:,.0f}"
    cells = [[name, text(value)] for name, value in figures["bytes"].items()]
    ours = figures["bytes"]["guestlist"]
    met = None if ours is None else ours <= 8_192
    stretch = "" if ours is None else ", and within the stretch of 4 KB" if ours <= 4_096 else ", beyond the stretch of 4 KB"
    mark = Mark(f"idle socket, {figures['connections']:,} of them", "≤ 8,192 bytes of RSS", f"{text(ours)}{stretch}", met)
    lines = [f"{figures['connections']:,} sockets, signed in, then silent.", ""]
    return lines + table(["server", "bytes of RSS a socket"], cells), [mark]

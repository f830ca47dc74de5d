"""This is where a session becomes a page: the marks first, then the figures they rest on."""

from .figures import marks_table

HEAD = """# Measured

Written by `benches/run`; `benches/run --quick` shows in some minutes how it goes. Rates depend on the machine and on what else it
does: trust the ratios, which are between servers that ran next to each other, and the processor time.
"""


def write(session, sections, path):
    """Of every section that was measured."""
    told = {name: (module, *module.report(session[name]["figures"])) for name, module in sections.items() if name in session}
    lines = [HEAD, *facts(session), "", "## What was asked for", ""]
    lines += marks_table([mark for _, _, marks in told.values() for mark in marks])
    for name, (module, text, _) in told.items():
        section = session[name]
        when = f"*{section['date']} UTC; load before {section['load']:.1f}; {section['stolen'] * 100:.1f} % of the processor time was taken by the host.*"
        lines += [f"## {module.TITLE}", "", when, "", *text]
    path.write_text("\n".join(lines).rstrip() + "\n")


def facts(session):
    """The machine and the versions."""
    machine, versions = session["machine"], session["versions"]
    return [
        f"Machine: {machine['processor']}, {machine['memory']}, {machine['kernel']}.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items() if version) + ".",
    ]

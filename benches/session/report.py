"""This is where a session becomes a page: the marks first, then the figures they rest on."""

import textwrap

from .figures import marks_table

COLUMNS_MAX = 130

HEAD = [
    "# Measured",
    "",
    "Written by `benches/run`, with one command, in one session; `benches/run --quick` shows in some minutes how that goes. Rates "
    "depend on the machine and on what else it does: trust the ratios, which are between servers that ran next to each other, and "
    "the processor time.",
    "",
]


def write(session, sections, path):
    """Of every section that was measured."""
    told = {name: (module, *module.report(session[name]["figures"])) for name, module in sections.items() if name in session}
    lines = [*HEAD, *facts(session), "", "## What was asked for", ""]
    lines += marks_table([mark for _, _, marks in told.values() for mark in marks])
    for name, (module, text, _) in told.items():
        section = session[name]
        stolen = f"{section['stolen'] * 100:.1f} % of the processor time went to other machines of the host"
        when = f"Guestlist {section['of']}, {section['date']} UTC; load of the machine before {section['load']:.1f}; {stolen}."
        lines += [f"## {module.TITLE}", "", when, "", *text]
    path.write_text("\n".join(map(wrapped, lines)).rstrip() + "\n")


def wrapped(line):
    """Prose in lines of a length to be read; a table's row stays whole."""
    return line if line[:1] in "|#" else "\n".join(textwrap.wrap(line.strip(), COLUMNS_MAX))


def facts(session):
    """The machine and the versions."""
    machine, versions = session["machine"], session["versions"]
    return [
        f"Machine: {machine['processor']}, {machine['memory']}, {machine['kernel']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items() if version) + ".",
    ]

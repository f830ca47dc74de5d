"""This is where figures become text: medians, ratios between servers in the same round, tables, and marks."""

import statistics
from dataclasses import dataclass


@dataclass
class Mark:
    """Something that was asked for, and what came of it."""

    what: str
    wanted: str
    measured: str
    met: bool | None

    @property
    def verdict(self):
        return {True: "met", False: "**missed**", None: "not measured"}[self.met]


def median(values):
    """Of those that there are."""
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def field(reports, *path):
    """The median of something over the rounds."""
    return median([dig(report, *path) for report in reports])


def dig(report, *path):
    for key in path:
        report = report.get(key) if report else None
    return report


def ratio(ours, theirs, *path):
    """The median of the ratios in each round: what else the machine does falls on both."""
    pairs = [(dig(our, *path), dig(their, *path)) for our, their in zip(ours, theirs)]
    return median([our / their for our, their in pairs if our is not None and their])


def table(head, rows):
    """With the first column to the left, and numbers to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines] + [""]


def marks_table(marks):
    """All that was asked for."""
    lines = [["what", "mark", "measured", ""], ["---"] * 4]
    lines += [[mark.what, mark.wanted, mark.measured, mark.verdict] for mark in marks]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def at_least(what, wanted, value, bound, text):
    """A mark that is met from a bound upwards."""
    return Mark(what, wanted, "–" if value is None else text(value), None if value is None else value >= bound)


def at_most(what, wanted, value, bound, text):
    """A mark that is met up to a bound."""
    known = value is not None and bound is not None
    return Mark(what, wanted, text(value) if known else "–", value <= bound if known else None)


def percent(value):
    return "–" if value is None else f"{value * 100:.0f} %"


def rate(value):
    return "–" if value is None else f"{value:,.0f}"


def micros(value):
    return "–" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def millis(value):
    return "–" if value is None else f"{value / 1000:,.{2 if value >= 1000 else 3}f}"


def seconds(value):
    return "–" if value is None else f"{value:.2f} s"

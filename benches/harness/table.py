"""The table of all results."""

from dataclasses import dataclass

HEADERS = ["what", "this client", "compared with", "bound", "measured", "met"]


@dataclass(frozen=True)
class Row:
    what: str
    ours: str
    peer: str
    bound: str
    measured: str
    met: bool | None = None  # None: there is no bound, the value is for comparison


def within(what, ours, peer, value, most, unit="x"):
    """A row whose value must not exceed `most`."""
    return Row(what, ours, peer, f"<= {most:g}{unit}", f"{value:.3g}{unit}", value <= most)


def at_least(what, ours, peer, value, least, unit=""):
    return Row(what, ours, peer, f">= {least:g}{unit}", f"{value:.3g}{unit}", value >= least)


def told(what, ours, peer, value, unit="x"):
    return Row(what, ours, peer, "-", f"{value:.3g}{unit}")


def draw(rows):
    """The table in Markdown."""
    cells = [HEADERS] + [
        [row.what, row.ours, row.peer, row.bound, row.measured, _answer(row.met)] for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADERS))]
    lines = [_line(line, widths) for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _line(cells, widths):
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"


def _answer(met):
    return {True: "yes", False: "NO", None: ""}[met]


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms"


def seconds(value):
    return f"{value:.2f} s"


def megabytes(value):
    return f"{value / 2**20:.1f} MB"

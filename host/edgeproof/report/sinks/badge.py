"""The verdict as a badge: an SVG picture for a README."""

from html import escape
from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report
from edgeproof.record.verdict.claims import Answer

_COLOURS = {Answer.PASS: "#1a7f37", Answer.FAIL: "#c62828", Answer.INCONCLUSIVE: "#8a6100", None: "#59636e"}
_LEFT = "edgeproof"
_CHARACTER, _SIDE, _HEIGHT = 6.6, 6.0, 20
"""Pixels: of a character of 11 px Verdana on average, of the space beside a word, of the badge."""


def write_badge(report: Report, path: Path) -> None:
    """Writes the picture as a whole or not at all."""
    write_atomically(path, badge(report).encode())


def badge(report: Report) -> str:
    """White on colours that white can be read on; a report without gates has no verdict."""
    word = "no verdict" if report.verdict is None else report.verdict.value
    left, right = (len(text) * _CHARACTER + 2 * _SIDE for text in (_LEFT, word))
    title = escape(f"{_LEFT}: {word}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="{_HEIGHT}" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<rect width="{left:.1f}" height="{_HEIGHT}" fill="#24292f"/>'
        f'<rect x="{left:.1f}" width="{right:.1f}" height="{_HEIGHT}" fill="{_COLOURS[report.verdict]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:.1f}" y="14">{_LEFT}</text>'
        f'<text x="{left + right / 2:.1f}" y="14">{escape(word)}</text></g></svg>\n'
    )

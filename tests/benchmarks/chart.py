"""A chart of lines as SVG, both axes linear: what grows in proportion is a straight line."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 720, 420, 70
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


@dataclass(frozen=True, slots=True)
class Line:
    """Values by size."""

    name: str
    points: Sequence[tuple[int, float]]


def draw(lines: Sequence[Line], x_axis: str, y_axis: str) -> str:
    """Return the chart."""
    most_x = max(x for line in lines for x, _ in line.points)
    most_y = max(y for line in lines for _, y in line.points) or 1.0

    def at(x: float, y: float) -> str:
        across = MARGIN + x / most_x * (WIDTH - 2 * MARGIN)
        return f"{across:.1f},{HEIGHT - MARGIN - y / most_y * (HEIGHT - 2 * MARGIN):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<polyline points="{at(0, most_y)} {at(0, 0)} {at(most_x, 0)}" fill="none" stroke="black"/>',
        _text(WIDTH // 2, HEIGHT - 20, f"{x_axis}, up to {most_x:,}"),
        _text(WIDTH // 2, 30, f"{y_axis}, up to {most_y:.1f}"),
    ]
    for number, (line, colour) in enumerate(zip(lines, COLOURS, strict=False)):
        parts.append(
            f'<polyline points="{" ".join(at(x, y) for x, y in line.points)}" fill="none" stroke="{colour}" '
            'stroke-width="2"/>'
        )
        parts += [f'<circle cx="{at(x, y).replace(",", chr(34) + " cy=" + chr(34))}" r="3"/>' for x, y in line.points]
        parts.append(_text(MARGIN + 110, MARGIN + 18 * number, line.name, colour))
    return "\n".join((*parts, "</svg>\n"))


def _text(x: int, y: int, text: str, colour: str = "black") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="14" fill="{colour}">{text}</text>'

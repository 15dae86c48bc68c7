"""A chart as an SVG that reads well in a page of documentation, on white."""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 400, 70, 740, 50, 350
BLUE, RED, FAINT, INK = "#1f5f8b", "#d1495b", "#d9d9d9", "#333333"


@dataclass
class Chart:
    """A chart from zero to `most` on both axes; what is drawn last lies on top."""

    title: str
    most: tuple[float, float]
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Give the place of a value from left to right."""
        return LEFT + (RIGHT - LEFT) * value / self.most[0]

    def y(self, value: float) -> float:
        """Give the place of a value from top to bottom."""
        return BOTTOM - (BOTTOM - TOP) * value / self.most[1]

    def text(self, x: float, y: float, words: str, anchor: str = "middle", colour: str = INK) -> None:
        """Write some words."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'
        )

    def grid(self, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]], below: str) -> None:
        """Mark values on both axes, and say what goes from left to right."""
        for value, words in up:
            self.parts.append(f'<path d="M{LEFT} {self.y(value):.1f}H{RIGHT}" stroke="{FAINT}"/>')
            self.text(LEFT - 8, self.y(value) + 4, words, "end")
        for value, words in across:
            self.text(self.x(value), BOTTOM + 20, words)
        self.text((LEFT + WIDTH) / 2, HEIGHT - 10, below)

    def line(self, points: Sequence[tuple[float, float]], colour: str, dashes: str = "none") -> None:
        """Join points."""
        told = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}" points="{told}"/>'
        )

    def dot(self, x: float, y: float, colour: str) -> None:
        """Mark a point."""
        self.parts.append(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="5" fill="{colour}"/>')

    def to_svg(self) -> str:
        """Give the whole file."""
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
            f' font-size="13">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
            f'<text x="{LEFT}" y="26" fill="{INK}">{self.title}</text>\n'
        )
        return opening + "\n".join(self.parts) + "\n</svg>\n"

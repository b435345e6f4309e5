"""Drawing of scenes: antialiased shapes with natural variation in position, size, rotation, colour, light and noise."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from image_pipeline.demo.scenes import Colour, Relation, Scene, Shape

RGB: dict[Colour, tuple[int, int, int]] = {
    Colour.RED: (205, 35, 40),
    Colour.ORANGE: (240, 135, 25),
    Colour.YELLOW: (245, 220, 55),
    Colour.GREEN: (50, 150, 65),
    Colour.BLUE: (45, 85, 200),
    Colour.PURPLE: (130, 55, 160),
    Colour.WHITE: (242, 242, 240),
    Colour.BLACK: (25, 25, 28),
}

_SUPERSAMPLING = 2
_COLOUR_JITTER = 10.0  # standard deviation per channel, in levels of 255
_TURN = pi / 15  # largest rotation in either direction; a square rotated further would look like a diamond


@dataclass(frozen=True)
class _Placement:
    """Where a thing is drawn; `x`, `y` and `radius` are fractions of the width, the height and the shorter side."""

    x: float
    y: float
    radius: float
    turn: float


def draw(scene: Scene, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Draw the scene as an RGB picture of `size` (width, height, in pixels); equal `rng` states give equal pictures."""
    width, height = size
    canvas = Image.new("RGB", (width * _SUPERSAMPLING, height * _SUPERSAMPLING), _shade(scene.background, rng))
    pen = ImageDraw.Draw(canvas)
    for thing, placement in zip(scene.things, _placements(scene, rng), strict=True):
        pen.polygon(_polygon(thing.shape, placement, canvas.size), fill=_shade(thing.colour, rng))
    return _lit(canvas.reduce(_SUPERSAMPLING), rng)


def _placements(scene: Scene, rng: np.random.Generator) -> list[_Placement]:
    if scene.relation is None:
        return [
            _Placement(
                x=rng.uniform(0.36, 0.64),
                y=rng.uniform(0.36, 0.64),
                radius=rng.uniform(0.2, 0.34),
                turn=rng.uniform(-_TURN, _TURN),
            )
        ]
    placements = []
    for along in (0.27, 0.73):
        centre = (along + rng.uniform(-0.05, 0.05), 0.5 + rng.uniform(-0.1, 0.1))
        x, y = centre if scene.relation is Relation.LEFT_OF else centre[::-1]
        placements.append(_Placement(x, y, radius=rng.uniform(0.2, 0.24), turn=rng.uniform(-_TURN, _TURN)))
    return placements


def _polygon(shape: Shape, placement: _Placement, size: tuple[int, int]) -> list[tuple[float, float]]:
    """The corners of the shape, in pixels of a picture of `size`."""
    radius = placement.radius * min(size)
    turn_cos, turn_sin = cos(placement.turn), sin(placement.turn)
    return [
        (
            placement.x * size[0] + radius * (x * turn_cos - y * turn_sin),
            placement.y * size[1] + radius * (x * turn_sin + y * turn_cos),
        )
        for x, y in _OUTLINES[shape]
    ]


def _shade(colour: Colour, rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = np.clip(rng.normal(RGB[colour], _COLOUR_JITTER), 0, 255).astype(int).tolist()
    return red, green, blue


def _lit(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture with light that falls off to one side, and with sensor noise."""
    angle, fall = rng.uniform(0, 2 * pi), rng.uniform(0, 0.12)
    across = np.linspace(-1, 1, picture.width, dtype=np.float32) * (fall * cos(angle))
    down = np.linspace(-1, 1, picture.height, dtype=np.float32) * (fall * sin(angle))
    light = rng.uniform(0.92, 1.04) + across[None, :] + down[:, None]
    pixels = np.asarray(picture, dtype=np.float32) * light[:, :, None]
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * rng.uniform(1, 7)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _round(points: int, radius: float) -> list[tuple[float, float]]:
    return [(radius * sin(2 * pi * i / points), -radius * cos(2 * pi * i / points)) for i in range(points)]


def _star() -> list[tuple[float, float]]:
    outer, inner = _round(10, 1.1), _round(10, 0.46)
    return [inner[i] if i % 2 else outer[i] for i in range(10)]


def _heart(points: int = 48) -> list[tuple[float, float]]:
    angles = [2 * pi * i / points for i in range(points)]
    return [
        (
            sin(t) ** 3 * 1.02,
            -(13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)) / 15.5,  # the usual parametric heart
        )
        for t in angles
    ]


def _cross(arm: float = 0.34) -> list[tuple[float, float]]:
    quarter = [(arm, -1.0), (arm, -arm), (1.0, -arm)]
    corners = []
    for _ in range(4):
        corners.extend(quarter)
        quarter = [(-y, x) for x, y in quarter]
    return corners


_OUTLINES: dict[Shape, list[tuple[float, float]]] = {
    Shape.CIRCLE: _round(64, 0.95),
    Shape.SQUARE: [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
    Shape.TRIANGLE: _round(3, 1.1),
    Shape.STAR: _star(),
    Shape.HEART: _heart(),
    Shape.CROSS: _cross(),
}

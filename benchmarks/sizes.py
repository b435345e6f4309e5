"""Sizes of the cases."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """A small and a large number of images; the difference of their times gives the rate without start-up."""

    few: int
    many: int


@dataclass(frozen=True)
class Sizes:
    """The sizes of all cases."""

    repeats: int
    jpeg_12: Pair
    jpeg_24: Pair
    siglip: Pair
    raw: Pair
    raw_full_preview: Pair
    heic: Pair
    decode: Pair
    captions: Pair
    hashing: Pair
    model_images: int
    unchanged: int
    large: int
    small: int
    directories: int
    few_directories: int
    files_a_directory: int
    points: int
    queries: int
    engine_points: tuple[int, int, int, int]
    engine_queries: tuple[int, int, int, int]
    fidelity: int
    caption_fidelity: int
    named: int


DEFAULT = Sizes(
    repeats=3,
    jpeg_12=Pair(64, 192),
    jpeg_24=Pair(64, 128),
    siglip=Pair(32, 64),
    raw=Pair(8, 32),
    raw_full_preview=Pair(8, 64),
    heic=Pair(8, 32),
    decode=Pair(64, 320),
    captions=Pair(8, 24),
    hashing=Pair(32, 192),
    model_images=64,
    unchanged=10_000,
    large=20_000,
    small=2_000,
    directories=1_000,
    few_directories=100,
    files_a_directory=10,
    points=100_000,
    queries=200,
    engine_points=(20_000, 100_000, 300_000, 1_000_000),
    engine_queries=(100, 100, 60, 30),
    fidelity=8,
    caption_fidelity=16,
    named=3_000,
)

QUICK = Sizes(
    repeats=1,
    jpeg_12=Pair(2, 4),
    jpeg_24=Pair(1, 2),
    siglip=Pair(1, 2),
    raw=Pair(1, 2),
    raw_full_preview=Pair(1, 2),
    heic=Pair(1, 2),
    decode=Pair(2, 8),
    captions=Pair(1, 2),
    hashing=Pair(2, 8),
    model_images=4,
    unchanged=60,
    large=80,
    small=20,
    directories=6,
    few_directories=3,
    files_a_directory=3,
    points=1_000,
    queries=5,
    engine_points=(300, 600, 900, 1_200),
    engine_queries=(4, 4, 4, 4),
    fidelity=2,
    caption_fidelity=2,
    named=400,
)

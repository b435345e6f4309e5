"""Damage to picture files, as disks, cables and attackers do it: the same for the same seed, always."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from image_pipeline_tests.hostile.structure import Number, mend_checksums, offsets, parts
from image_pipeline_tests.support.specimens import specimens

_HEADER_BYTES = 512


class Damage(StrEnum):
    """The ways in which a file is damaged."""

    BIT_FLIPS = "bit_flips"
    """Some bits are turned over, mostly in the header."""
    RUN = "run"
    """A run of bytes became zeros, ones or noise."""
    CUT = "cut"
    """The file ends early."""
    ZEROED_TAIL = "zeroed_tail"
    """The file has its length, but from somewhere on there are zeros: a copy that was interrupted."""
    INSERTION = "insertion"
    """Bytes were put in."""
    DELETION = "deletion"
    """Bytes were taken out of the middle."""
    SPLICED_HEADER = "spliced_header"
    """The beginning is that of another file, often of another format."""
    LENGTH_LIE = "length_lie"
    """A segment, chunk, box or entry says that it is longer or shorter than it is."""
    FIELD_LIE = "field_lie"
    """A number inside one of them is extreme: a size, a count, a depth."""
    OFFSET_LOOP = "offset_loop"
    """A directory points to itself, to its parent, or past the end."""
    DUPLICATION = "duplication"
    """A segment, chunk or box is there twice, or very often."""
    REMOVAL = "removal"
    """A segment, chunk or box is missing."""


@dataclass(frozen=True)
class MutatedFile:
    """A damaged file: `name` says of what specimen and how, and has the specimen's ending."""

    name: str
    specimen: str
    damage: Damage
    content: bytes


def mutated_files(count: int, seed: int) -> Iterator[MutatedFile]:
    """`count` damaged files, the specimens and the ways of damage in turn; the same ones for the same `seed`."""
    sound = specimens()
    kinds = [(specimen, damage) for damage in Damage for specimen in sound]
    order = Random(seed)
    order.shuffle(kinds)
    for number in range(count):
        specimen, damage = kinds[number % len(kinds)]
        random = Random(f"{seed}-{number}")
        content = damaged(sound[specimen], damage, random, sound[random.choice(list(sound))])
        yield MutatedFile(f"{number:05}-{damage}-{specimen}", specimen, damage, content)


def damaged(content: bytes, damage: Damage, random: Random, other: bytes) -> bytes:
    """`content` with damage of one kind; `other` is a file to take a header from."""
    match damage:
        case Damage.BIT_FLIPS:
            changed = _with_flipped_bits(content, random)
        case Damage.RUN:
            changed = _with_run(content, random)
        case Damage.CUT:
            changed = content[: random.randrange(len(content))]
        case Damage.ZEROED_TAIL:
            kept = random.randrange(len(content))
            changed = content[:kept].ljust(len(content), b"\0")
        case Damage.INSERTION:
            at = _position(content, random)
            changed = content[:at] + random.randbytes(random.choice((1, 2, 3, 100, 5000))) + content[at:]
        case Damage.DELETION:
            at = _position(content, random)
            changed = content[:at] + content[at + random.choice((1, 2, 3, 100, 1000)) :]
        case Damage.SPLICED_HEADER:
            taken = random.randrange(1, min(len(other), _HEADER_BYTES))
            changed = other[:taken] + content[random.choice((0, taken)) :]
        case Damage.LENGTH_LIE:
            changed = _with_lying_length(content, random)
        case Damage.FIELD_LIE:
            changed = _with_lying_field(content, random)
        case Damage.OFFSET_LOOP:
            changed = _with_loop(content, random)
        case Damage.DUPLICATION:
            changed = _with_duplicate(content, random)
        case Damage.REMOVAL:
            changed = _without_part(content, random)
    return mend_checksums(changed) if random.random() < 0.5 else changed


def _position(content: bytes, random: Random) -> int:
    """A place in the file: as often in the header as in all the rest."""
    return random.randrange(min(len(content), _HEADER_BYTES) if random.random() < 0.5 else len(content))


def _with_flipped_bits(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        changed[_position(content, random)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _with_run(content: bytes, random: Random) -> bytes:
    at = _position(content, random)
    length = min(random.choice((4, 16, 256, 4096)), len(content) - at)
    run = random.choice((bytes(length), b"\xff" * length, random.randbytes(length)))
    return content[:at] + run + content[at + length :]


def _with_lying_length(content: bytes, random: Random) -> bytes:
    known = parts(content)
    if not known:
        return _with_flipped_bits(content, random)
    changed = bytearray(content)
    for part in random.sample(known, min(len(known), random.choice((1, 1, 3)))):
        true = part.length.read(content)
        lies = (0, 1, 2, true - 1, true + 1, true // 2, 2 * true, len(content) + 1, *_extremes(part.length))
        part.length.write(changed, random.choice(lies))
    return bytes(changed)


def _with_lying_field(content: bytes, random: Random) -> bytes:
    known = [part for part in parts(content) if part.start < part.end <= len(content)]
    if not known:
        return _with_flipped_bits(content, random)
    part = random.choice(known)
    size = random.choice((1, 2, 4))
    last = min(part.end, part.start + 64) - size
    number = Number(random.randrange(part.start, max(part.start + 1, last)), size, part.length.order)
    changed = bytearray(content)
    number.write(changed, random.choice((0, 1, number.read(content) * 2, number.read(content) + 1, *_extremes(number))))
    return bytes(changed)


def _with_loop(content: bytes, random: Random) -> bytes:
    known = offsets(content)
    if not known:
        return _with_lying_length(content, random)
    changed = bytearray(content)
    number, directory = random.choice(known)
    number.write(changed, random.choice((directory, known[0][1], 0, 4, 8, len(content) - 1, len(content), 0xFFFFFFFF)))
    return bytes(changed)


def _with_duplicate(content: bytes, random: Random) -> bytes:
    known = [part for part in parts(content) if part.end <= len(content)]
    if not known:
        return content + content
    part = random.choice(known)
    copies = content[part.start : part.end] * random.choice((1, 1, 3, 200))
    return content[: part.end] + copies[: 1 << 20] + content[part.end :]


def _without_part(content: bytes, random: Random) -> bytes:
    known = parts(content)
    if not known:
        at = _position(content, random)
        return content[:at] + content[at + 64 :]
    part = random.choice(known)
    return content[: part.start] + content[part.end :]


def _extremes(number: Number) -> tuple[int, ...]:
    most = (1 << 8 * number.size) - 1
    return most, most - 1, most // 2, most // 2 + 1

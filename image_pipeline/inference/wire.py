"""The protocol of the inference service, for both of its ends: paths, capabilities, and arrays as bytes.

Arrays travel in NumPy's `.npy` format, version 1.0 (numpy.lib.format), without pickles.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from image_pipeline.inference.producer import Producer

PROTOCOL = 1
"""The version of the protocol, which is also in its paths. Bump when a client of this version would be misled."""

CAPABILITIES, EMBED, CAPTION, BOTH = (
    f"/api/v{PROTOCOL}/{name}" for name in ("capabilities", "embed", "caption", "batch_embed_and_caption")
)
NPY = "application/x-npy"
JSON = "application/json"
MULTIPART = "multipart/form-data"
PRODUCER = "x-producer"
"""The header of an answer that names the producer of its values."""

_MOST_HEADER_BYTES = 10_000
MOST_HEAD_BYTES = 10 + _MOST_HEADER_BYTES
"""The bytes before an array: magic number, version, length of the header, and the header."""


@dataclass(frozen=True)
class ServedModel:
    """A model that the service runs.

    `name` is how a setting names it, with its revision; `producer_text` is the producer as it is stored with values.
    `batch` is the number of images that a request should have.
    """

    producer: Producer
    producer_text: str
    name: str
    batch: int


@dataclass(frozen=True)
class ServiceLimits:
    """Limits on one request: its body in bytes, the number of its images or texts, and the pixels of an image."""

    body_bytes: int = 512 << 20
    images: int = 512
    texts: int = 256
    text_characters: int = 10_000
    waiting_images: int = 2048
    """The number of images of all requests together, beyond which new requests are refused."""
    pixels: int = 200_000_000


@dataclass(frozen=True)
class Capabilities:
    """What the service offers. `captioner` is None if captions are switched off; `formats` are those of image files."""

    protocol: int
    version: str
    device: str
    embedder: ServedModel
    captioner: ServedModel | None
    formats: list[str]
    limits: ServiceLimits


_CAPABILITIES = TypeAdapter(Capabilities)


class WireError(ValueError):
    """The other side sent something that is not in the protocol; the message says what."""


def capabilities_of(content: Any) -> Capabilities:
    """The capabilities in a parsed JSON object. Raises WireError if they are of another version, or not valid."""
    if not isinstance(content, dict) or "protocol" not in content:
        raise WireError("its answer is not that of an inference service")
    if content["protocol"] != PROTOCOL:
        raise WireError(f"it speaks version {content['protocol']} of the protocol, this program version {PROTOCOL}")
    try:
        found = _CAPABILITIES.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise WireError(
            f"its capabilities are not valid ({'.'.join(map(str, first['loc']))}: {first['msg']})"
        ) from error
    for model in (found.embedder, found.captioner):
        if model is not None and (str(model.producer) != model.producer_text or model.batch < 1):
            raise WireError("its capabilities contradict each other: is it a different version of image-pipeline?")
    return found


def to_npy(array: np.ndarray) -> bytes:
    """An array as bytes."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def from_npy(data: bytes | memoryview, dtype: type, dimensions: int) -> np.ndarray:
    """The array of a `dtype` with this number of dimensions in `data`; it shares the memory of `data`.

    The header is checked before anything is allocated. Raises WireError if it is a different array, or incomplete.
    """
    buffer = io.BytesIO(data[:MOST_HEAD_BYTES])
    try:
        if np.lib.format.read_magic(buffer) != (1, 0):
            raise WireError("not an array in version 1.0 of the npy format")
        shape, is_fortran, found = np.lib.format.read_array_header_1_0(buffer, max_header_size=_MOST_HEADER_BYTES)
    except WireError:
        raise
    except Exception as error:  # NumPy parses the header as Python, whose parser raises errors of many types
        raise WireError(f"not an array in the npy format ({' '.join(str(error).split())[:200]})") from error
    if found != np.dtype(dtype) or is_fortran or len(shape) != dimensions or any(length < 0 for length in shape):
        order = " in Fortran's order" if is_fortran else ""
        raise WireError(
            f"an array of {found} {list(shape)}{order} instead of {np.dtype(dtype)} with {dimensions} dimensions"
        )
    count, start = 1, buffer.tell()
    for length in shape:
        count *= length
    if len(data) - start != count * found.itemsize:
        raise WireError(f"an array of {list(shape)} with {len(data) - start} bytes instead of {count * found.itemsize}")
    return np.frombuffer(data, found, count, start).reshape(shape)

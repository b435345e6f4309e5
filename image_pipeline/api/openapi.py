"""Parts of the interface's description that FastAPI cannot derive: bodies of several media types."""

from typing import Any

from image_pipeline.api.replies import Texts
from image_pipeline.inference.wire import JSON, MULTIPART, NPY

_ARRAY = {
    "schema": {"type": "string", "format": "binary", "description": "uint8 [n, 3, height, width], NumPy's format."}
}
_FILES = {
    "schema": {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,
        "properties": {"images": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}},
    }
}
_TEXTS = {"schema": Texts.model_json_schema()}


def _body(**content: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


FILES = _body(**{MULTIPART: _FILES})
ARRAY_OR_FILES = _body(**{MULTIPART: _FILES, NPY: _ARRAY})
TEXTS_ARRAY_OR_FILES = _body(**{JSON: _TEXTS, MULTIPART: _FILES, NPY: _ARRAY})

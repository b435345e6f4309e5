"""Records of models: JSON files in the store's `models` folder that fix the version of a model at its first use."""

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import StoreError


@dataclass(frozen=True)
class Records:
    """One file per key, in a folder that need not exist yet. A deleted record is determined again."""

    folder: Path

    def read(self, key: str) -> dict[str, str]:
        """The record of a key; empty if there is none, or if it is not valid."""
        try:
            content = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict) or content.get("key") != key:
            return {}
        return {str(name): str(value) for name, value in content.items()}

    def write(self, key: str, record: dict[str, str]) -> None:
        """Replace the record of a key atomically. Raises StoreError if the folder cannot be written."""
        path = self._path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self.folder, prefix=path.stem, suffix=".part", delete=False, encoding="utf-8"
            ) as file:
                json.dump({"key": key, **record}, file, indent=2, ensure_ascii=True)
            os.replace(file.name, path)
        except OSError as error:
            raise StoreError(
                f"The record of a model cannot be written to {path} ({error.strerror}): "
                "set IMAGE_PIPELINE_HOME to a writable folder."
            ) from error

    def _path(self, key: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", key).strip("-.")[-80:]
        return self.folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.json"

"""Models in local directories."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import ModelError, SettingsError
from image_pipeline.inference.files import needed_files
from image_pipeline.inference.model_records import Records
from image_pipeline.inference.producer import ProducerKind

BUNDLED = "bundled:"
"""The prefix of the names of models that come with the package."""

# Models below this size, in bytes, are hashed every time, which is faster than looking up a stored hash.
_HASHED_EVERY_TIME = 64 << 20


@dataclass(frozen=True)
class LocalDirectory:
    """A directory with a model's configuration, tokenizer and weights; `name` is the model's name in producers."""

    kind: ProducerKind
    path: Path
    name: str
    records: Records

    @property
    def setting(self) -> str:
        """The directory, or the name of a bundled model."""
        return self.name if self.name.startswith(BUNDLED) else str(self.path)

    def configuration(self) -> Path:
        """The same as `directory`: the configuration is always there."""
        return self.directory()

    def is_configured_here(self) -> bool:
        """Whether the directory exists."""
        return self.path.is_dir()

    def directory(self) -> Path:
        """The directory, which is checked to hold every file that the model needs.

        Raises SettingsError if the directory does not exist, ModelError if it cannot be read or a file is missing.
        """
        self._files()
        return self.path

    def revision(self) -> str:
        """The sha256 of the names and contents of the model's files, 64 hexadecimal digits.

        Large weights are hashed once, and again only if a file's size or modification time changes.
        """
        files = self._files()
        stats = [file.stat() for file in files]
        if sum(stat.st_size for stat in stats) < _HASHED_EVERY_TIME:
            return _sha256_of_files(files)
        state = "; ".join(
            f"{file.name} {stat.st_size} {stat.st_mtime_ns}" for file, stat in zip(files, stats, strict=True)
        )
        key = f"sha256 of {self.path.absolute()}"
        record = self.records.read(key)
        if record.get("files") == state and "sha256" in record:
            return record["sha256"]
        revision = _sha256_of_files(files)
        self.records.write(key, {"files": state, "sha256": revision})
        return revision

    def _files(self) -> list[Path]:
        try:
            names = {entry.name for entry in self.path.iterdir() if entry.is_file()}
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SettingsError(
                f"The model directory {self.path} cannot be read ({error.strerror}): set IMAGE_PIPELINE_MODELS to an "
                "existing directory, or to a profile."
            ) from error
        except OSError as error:
            raise ModelError(
                f"The model directory {self.path} cannot be read ({error.strerror}): make it readable, or change "
                "IMAGE_PIPELINE_MODELS."
            ) from error
        return [self.path / name for name in needed_files(self.kind, names, f"The model directory {self.path}")]


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file's content, 64 hexadecimal digits. Raises OSError if the file cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_files(files: list[Path]) -> str:
    listing = "".join(f"{sha256_of_file(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(listing.encode()).hexdigest()

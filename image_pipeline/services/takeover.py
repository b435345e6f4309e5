"""The take-over of a collection in the former embedded Qdrant: it is made again from the tables of the stages."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.collection.engine import Engine
from image_pipeline.collection.former import DESCRIPTION, Former, read_former
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.services.filling import Filling
from image_pipeline.storage.own_files import contents
from image_pipeline.storage.removal import delete_empty

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FormerCollection(Former):
    """The collection in the former embedded Qdrant in `directory`; `filling` makes it again."""

    directory: Path
    filling: Filling

    @property
    def exists(self) -> bool:
        """Whether its folder exists."""
        return self.directory.is_dir()

    @property
    def stamp(self) -> str:
        """A digest of the sizes and times of its files."""
        files = [self.directory / DESCRIPTION, *self.directory.glob("collection/*/storage.sqlite*")]
        lines = []
        for file in sorted(files):
            try:
                status = file.stat()
            except OSError:
                continue
            if status.st_size and not file.name.endswith("-shm"):  # which readers write, too
                lines.append(f"{file.relative_to(self.directory)} {status.st_size} {status.st_mtime_ns}")
        return hashlib.blake2b("\n".join(lines).encode(errors="surrogateescape"), digest_size=8).hexdigest()

    def fill(self, engine: Engine, seconds: float | None) -> bool:
        """Make its versions in `engine`, for the partitions that the ledger has in them. Raises as the engine does."""
        former = read_former(self.directory)
        for alias in {version.alias for version in former.versions.values()}:
            moves = {name: version for name, version in former.versions.items() if version.alias == alias}
            searched = former.aliases.get(alias)
            if searched in moves:  # it comes last
                moves[searched] = moves.pop(searched)
            qdrant = Qdrant(engine, alias)
            if not self.filling.fill(qdrant, moves, "a new embedded Qdrant", seconds):
                return False
            for version in moves.values():
                self.filling.delete_retired(qdrant.collection(version))
        return True

    def delete(self) -> None:
        """Delete the files of the former embedded Qdrant; those that are not the pipeline's own stay."""
        home = self.filling.tables.store.home
        found = contents(home, is_marked=True)
        for file in found.files:
            if (home / file).is_relative_to(self.directory):
                (home / file).unlink(missing_ok=True)
        delete_empty(home, [path for path in found.directories if (home / path).is_relative_to(self.directory)])
        _log.info("The former embedded Qdrant in %s was deleted.", self.directory)

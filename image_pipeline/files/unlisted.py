"""Directories that cannot be listed: their contents are unknown, so nothing in them counts as deleted."""

from collections.abc import Collection

from image_pipeline.errors import LibraryError


class Unlisted:
    """The directories of a library (text, relative to its root) that could not be listed, and why."""

    def __init__(self) -> None:
        self._errors: dict[str, LibraryError] = {}
        self._alone: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, directory: str, error: LibraryError, *, alone: bool = False) -> None:
        """Record that `directory` could not be listed; `alone`: the directories below it could be listed."""
        self._errors[directory] = error
        if alone:
            self._alone.add(directory)

    @property
    def directories(self) -> list[str]:
        """All of them."""
        return sorted(self._errors)

    def covers(self, directory: str) -> bool:
        """Whether `directory` is one of them, or below one whose subdirectories were not reached."""
        if not self._errors or directory in self._errors:
            return directory in self._errors
        parts = directory.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        return not above.isdisjoint(self._errors.keys() - self._alone)

    def among(self, directories: Collection[str]) -> "Unlisted":
        """Those that are in, or below, one of `directories`."""
        some = Unlisted()
        for name, error in self._errors.items():
            alone = name in self._alone
            if any(one == name or (not alone and one.startswith(f"{name}/")) for one in directories):
                some.add(name, error, alone=alone)
        return some

    @property
    def error(self) -> "UnlistedError":
        """The error for people: why the first of them cannot be listed, and which others."""
        first, *others = self.directories
        also = f" {len(others)} more cannot be listed either: {', '.join(others[:5])}." if others else ""
        return UnlistedError(f"{self._errors[first]}{also}", self)


class UnlistedError(LibraryError):
    """Some directories of the library, `unlisted`, cannot be listed."""

    def __init__(self, message: str, unlisted: Unlisted) -> None:
        super().__init__(message)
        self.unlisted = unlisted

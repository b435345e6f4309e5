"""Directories that cannot be listed: nobody knows what is in them, so that nothing of them is taken for gone."""

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
        """`directory` could not be listed; `alone`: those below it were come to all the same."""
        self._errors[directory] = error
        if alone:
            self._alone.add(directory)

    @property
    def directories(self) -> list[str]:
        """All of them."""
        return sorted(self._errors)

    def covers(self, directory: str) -> bool:
        """Whether `directory` is one of them, or lies below one, where nobody has looked."""
        if not self._errors or directory in self._errors:
            return directory in self._errors
        parts = directory.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        return not above.isdisjoint(self._errors.keys() - self._alone)

    def among(self, directories: Collection[str]) -> "Unlisted":
        """Those that one of `directories` is, or lies below."""
        some = Unlisted()
        for name, error in self._errors.items():
            alone = name in self._alone
            if any(one == name or (not alone and one.startswith(f"{name}/")) for one in directories):
                some.add(name, error, alone=alone)
        return some

    @property
    def error(self) -> "UnlistedError":
        """What a person is told: why the first of them cannot be listed, and how many there are besides."""
        first, *others = self.directories
        also = f" {len(others)} more cannot be listed either: {', '.join(others[:5])}." if others else ""
        return UnlistedError(f"{self._errors[first]}{also}", self)


class UnlistedError(LibraryError):
    """Directories of the library cannot be listed: `unlisted`."""

    def __init__(self, message: str, unlisted: Unlisted) -> None:
        super().__init__(message)
        self.unlisted = unlisted

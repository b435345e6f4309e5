"""Directories that cannot be listed: nobody knows what is in them, so that nothing of them is taken for gone."""

from image_pipeline.errors import LibraryError


class Unlisted:
    """The directories of a library (text, relative to its root) that could not be listed, and why."""

    def __init__(self) -> None:
        self._errors: dict[str, LibraryError] = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, directory: str, error: LibraryError) -> None:
        """`directory` could not be listed."""
        self._errors[directory] = error

    @property
    def directories(self) -> list[str]:
        """All of them."""
        return sorted(self._errors)

    def covers(self, directory: str) -> bool:
        """Whether `directory` is one of them, or lies below one."""
        if not self._errors:
            return False
        parts = directory.split("/")
        return any("/".join(parts[:depth]) in self._errors for depth in range(1, len(parts) + 1))

    @property
    def error(self) -> LibraryError:
        """What a person is told: why the first of them cannot be listed, and how many there are besides."""
        first, *others = self.directories
        if not others:
            return self._errors[first]
        return LibraryError(
            f"{self._errors[first]} {len(others)} more cannot be listed either: {', '.join(others[:5])}."
        )

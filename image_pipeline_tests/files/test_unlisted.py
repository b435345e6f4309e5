"""What is not known of a library of which some directories cannot be listed."""

from image_pipeline.errors import LibraryError
from image_pipeline.files.unlisted import Unlisted


def test_what_lies_below_is_not_known_unless_it_was_come_to() -> None:
    unlisted = Unlisted()
    assert not unlisted and not unlisted.covers("a")
    unlisted.add("a/b", LibraryError("a/b cannot be listed."))
    unlisted.add("c", LibraryError("c cannot be listed."), alone=True)
    covered = {name: unlisted.covers(name) for name in ("", "a", "a/b", "a/b/c", "a/bc", "c", "c/d")}
    assert [name for name, is_covered in covered.items() if is_covered] == ["a/b", "a/b/c", "c"]
    assert str(unlisted.error) == "a/b cannot be listed. 1 more cannot be listed either: c."

"""Leftovers: thumbnails and cached values of contents that no file has any more."""

from contextlib import suppress

from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store


def delete_leftovers(store: Store, ledger: Ledger, cache: ContentCache, now: str) -> int:
    """Delete thumbnails and cached values of contents that no file has had for 90 days; returns the number of contents.

    Until then, a photograph that reappears need not be processed again. `now` is ISO 8601, UTC. Raises StoreError if
    the ledger or the cache cannot be used.
    """
    left = ledger.left_contents(now)
    if left:
        cache.delete(left)
        for sha256 in left:
            with suppress(OSError):  # a thumbnail that remains does no harm
                store.thumbnail_file(sha256).unlink()
        ledger.forget_contents(left)
    return len(left)

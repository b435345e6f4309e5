"""The renewal of the collection after an upgrade of this program: take-over, and filling of a new layout."""

from image_pipeline.collection.versions import is_complete
from image_pipeline.services.wiring import Wiring


def renew(wiring: Wiring, seconds: float | None = None) -> bool:
    """Bring the collection into its present form, without a model; False if that takes longer than `seconds`.

    A former embedded Qdrant is taken over. A version that an older program made, in an earlier layout, is replaced by
    one that is filled from the tables of the stages; it is searched until the new one is complete. A version that was
    lost is filled again. The next call continues what took too long or was interrupted. Raises ModelError if a model's
    configuration is missing, otherwise as `QdrantAddress.connect` does.
    """
    address, alias, ledger = wiring.address, wiring.settings.collection, wiring.ledger
    version = wiring.models.collection_version(alias)
    if not address.take_over(seconds):
        return False
    versions, entries = address.versions(alias), ledger.entries()
    if version.name not in versions:  # lost partitions count as partitions of an earlier layout, until they are filled
        lost = [entry for entry in entries.values() if entry.collection == version.name]
        for name in version.earlier_names[-1:]:
            ledger.move(lost, name)
    ingested = ledger.photographs()
    earlier = [name for name in version.earlier_names if name in ingested]
    # a run, or a call of this function, may have been interrupted before it deleted the others
    is_to_finish = entries and {version.name} < set(versions) and is_complete(version.name, entries)
    if not earlier and not is_to_finish:
        return True
    with address.connect(alias) as qdrant:
        moves = dict.fromkeys(earlier or version.earlier_names[:1], version)
        return wiring.filling.fill(qdrant, moves, "a new version of the collection", seconds)

"""The declaration of a stage: what the rest of the pipeline has to know about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from image_pipeline.schema.rows import Row, Stage

if TYPE_CHECKING:
    from image_pipeline.stages.models import Inference

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, kw_only=True)
class StageDeclaration(Generic[R]):
    """A stage that writes rows of the class `row` into one table per partition.

    `reads` are the stages whose tables it reads. `version` gives, for the configured models, a text that changes
    whenever the stage may make different rows: partitions are then ingested again, and what was cached under the
    previous version is not used. It gives None if the stage has no version, or is switched off. `doing` is what
    progress bars call its work. `payload` gives the values that a row adds to the payload of a point, by default its
    columns that are declared for it; values that are None are left out. `producer_field` is the field of the payload
    that names the version, for rows that a model makes.
    """

    row: type[R]
    reads: tuple[Stage, ...] = ()
    version: Callable[["Inference"], str | None] = lambda models: None
    doing: str | None = None
    payload: Callable[[R], Mapping[str, Any]] = Row.payload
    producer_field: str | None = None

    @property
    def stage(self) -> Stage:
        """The name of the stage, which is that of its asset."""
        return self.row.stage

"""The declaration of a stage: everything that the rest of the pipeline needs to know about it."""

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

    `reads` are the stages whose tables it reads. `version` returns, for the configured models, a text that changes
    whenever the stage may compute different rows: partitions are then ingested again, and values cached under the
    previous version are not used. It returns None if the stage has no version, or is switched off. `doing` describes
    its work in progress bars. `payload` returns the values that a row adds to the payload of a point, by default those
    of the columns that are declared as payload fields; values of None are left out. `producer_field` is the payload
    field that names the version, for stages that run a model.
    """

    row: type[R]
    reads: tuple[Stage, ...] = ()
    version: Callable[["Inference"], str | None] = lambda models: None
    doing: str | None = None
    payload: Callable[[R], Mapping[str, Any]] = Row.payload
    producer_field: str | None = None

    @property
    def stage(self) -> Stage:
        """The name of the stage, which is also the name of its asset."""
        return self.row.stage

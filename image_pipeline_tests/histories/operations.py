"""The changes that a history may make to its library."""

from dataclasses import dataclass
from enum import StrEnum, auto

from hypothesis import strategies as st


class Kind(StrEnum):
    """A kind of change."""

    ADD = auto()
    ADD_BROKEN = auto()
    ADD_LEFT_OUT = auto()
    ADD_SLOWLY = auto()
    EDIT = auto()
    EDIT_WITHIN_THE_SECOND = auto()
    EDIT_KEEPING_TIMES = auto()
    BREAK = auto()
    MEND = auto()
    REPLACE = auto()
    REPLACE_BY_ONE_AS_OLD = auto()
    TOUCH = auto()
    RENAME = auto()
    MOVE = auto()
    SWAP = auto()
    COPY = auto()
    LINK = auto()
    DELETE = auto()
    WRITE_SIDECAR = auto()
    DELETE_SIDECAR = auto()
    MAKE_DIRECTORY = auto()
    RENAME_DIRECTORY = auto()
    MOVE_DIRECTORY = auto()
    SWAP_DIRECTORIES = auto()
    COPY_DIRECTORY = auto()
    EMPTY_DIRECTORY = auto()
    REMOVE_DIRECTORY = auto()
    BLINK_DIRECTORY = auto()
    FILE_BECOMES_DIRECTORY = auto()


@dataclass(frozen=True)
class Operation:
    """A change; `first`, `second` and `third` choose, of what is there when it is made, what it is made to."""

    kind: Kind
    first: int
    second: int
    third: int


_choices = st.integers(0, 9999)
operations = st.builds(Operation, st.sampled_from(Kind), _choices, _choices, _choices)

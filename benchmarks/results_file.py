"""`results.json`: the latest results of every case."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import CaseResult, Row


@dataclass(frozen=True)
class KeptCase:
    """A case in the file: its rows, and when and on which machine it was measured."""

    name: str
    rows: list[Row]
    measured: dict[str, Any]
    content: dict[str, Any]


class ResultsFile:
    """The file in a folder. Measuring a case replaces only the entry of that case."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "results.json"

    def put(self, name: str, result: CaseResult, measured: dict[str, Any]) -> None:
        """Store the result of a case; `measured` describes the machine, the sizes and the time."""
        content = self._read()
        content[name] = {"measured": measured, **result.as_dict()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, content)

    def cases(self, order: list[str]) -> list[KeptCase]:
        """All stored cases; those in `order` come first, in that order."""
        content = self._read()
        names = [name for name in order if name in content] + [name for name in content if name not in order]
        return [
            KeptCase(
                name,
                [Row.from_dict(row) for row in content[name]["rows"]],
                content[name]["measured"],
                content[name],
            )
            for name in names
        ]

    def _read(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file of results in one step. An estimate is one line, so that a changed figure is one line of a diff."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(_lines(content) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _lines(value: Any, depth: int = 0) -> str:
    """JSON in which an object or array that contains others has a line for each of them."""
    if isinstance(value, dict) and any(isinstance(one, dict | list) for one in value.values()):
        entries = [f"{json.dumps(name, ensure_ascii=False)}: {_lines(one, depth + 1)}" for name, one in value.items()]
        opened, closed = "{", "}"
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        entries, opened, closed = [_lines(one, depth + 1) for one in value], "[", "]"
    else:
        return json.dumps(value, ensure_ascii=False)
    separator = f",\n{' ' * (depth + 1)}"
    return f"{opened}\n{' ' * (depth + 1)}{separator.join(entries)}\n{' ' * depth}{closed}"

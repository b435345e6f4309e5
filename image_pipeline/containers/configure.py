"""`python -m image_pipeline.containers.configure`: writes Dagster's configuration for the containers.

Compose cannot fill variables into a file that read-only containers get, so this does it, before they start.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from image_pipeline.errors import PipelineError, SettingsError

_VARIABLE = re.compile(r"\$\{\w+\}", re.ASCII)


def filled(node: Any, variables: Mapping[str, str]) -> Any:
    """A parsed YAML document with `${NAME}` in its texts replaced; a text that is only a variable may become a number.

    Because the document is parsed first, no value can change its structure. Raises SettingsError if a variable is not
    set.
    """
    if isinstance(node, dict):
        return {name: filled(value, variables) for name, value in node.items()}
    if isinstance(node, list):
        return [filled(value, variables) for value in node]
    if not isinstance(node, str):
        return node
    try:
        text = Template(node).substitute(variables)
    except KeyError as error:
        raise SettingsError(f"{error.args[0]} is not set: add it to the environment of this container.") from error
    return int(text) if _VARIABLE.fullmatch(node) and text.isdecimal() else text


def main() -> None:
    """Read the template that the first argument names, and write the file that the second names."""
    template, target = map(Path, sys.argv[1:])
    try:
        document = filled(yaml.safe_load(template.read_text(encoding="utf-8")), os.environ)
    except PipelineError as error:
        sys.exit(str(error))
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    unfinished.chmod(0o644)  # it holds no secret, and services with other users read it
    unfinished.rename(target)


if __name__ == "__main__":
    main()

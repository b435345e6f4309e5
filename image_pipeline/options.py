"""What the commands share: the options that are settings, and errors for people."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.logs import error_line
from image_pipeline.settings import LogFormat, Settings, variable_of
from image_pipeline.terminal import echo, echo_json, escaped, show_what_cannot_be_encoded

F = TypeVar("F", bound=Callable[..., Any])

FAILED, WRONG_USAGE = 1, 2

_SHARED = ("home", "models", "qdrant_url", "qdrant_api_key")


class Commands(click.Group):
    """The commands. What click itself says of wrong arguments is escaped: a shell's `*` puts any file's name there."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that the arguments name."""
        show_what_cannot_be_encoded()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command of a context."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = escaped(error.message)
            raise


def _option(name: str) -> Callable[[F], F]:
    description = (Settings.model_fields[name].description or "").replace("`", "")
    variable = variable_of(name)
    return click.option(f"--{name.replace('_', '-')}", name, metavar="VALUE", help=f"{description} [{variable}]")


def shared_options(command: F) -> F:
    """The options that every command has: each is a setting, and stands before its environment variable."""
    for name in reversed(_SHARED):
        command = _option(name)(command)
    return command


def errors_for_people(command: F) -> F:
    """Prints an error for people as one line, and ends with its exit code."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except PipelineError as error:
            if os.environ.get(variable_of("log_format")) == LogFormat.JSON:
                echo_json(error_line(str(error)), err=True)
            else:
                echo(f"image-pipeline: {error}", err=True)
            sys.exit(WRONG_USAGE if isinstance(error, SettingsError) else FAILED)

    return wrapped  # type: ignore[return-value]

"""What the commands share: the options that are settings, and errors for people."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.logs import error_line, warning_line, write_line
from image_pipeline.settings import LogFormat, Settings, variable_of

F = TypeVar("F", bound=Callable[..., Any])

FAILED, WRONG_USAGE = 1, 2

# One that is not there is wrong usage, and click says which.
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)

_SHARED = ("home", "models", "qdrant_url", "qdrant_api_key")


class Commands(click.Group):
    """Commands whose errors are JSON lines if logs are, those of wrong usage, too."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if not _are_logs_json():
                raise
            write_line(error_line(error.format_message()))
            ctx.exit(error.exit_code)


def _are_logs_json() -> bool:
    return os.environ.get(variable_of("log_format")) == LogFormat.JSON


def say_beside(message: str) -> None:
    """Say something on stderr that is not the command's own business, and no error."""
    if _are_logs_json():
        write_line(warning_line(message))
    else:
        click.echo(f"image-pipeline: {message}", err=True)


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
            if _are_logs_json():
                write_line(error_line(str(error)))
            else:
                click.echo(f"image-pipeline: {error}", err=True)
            sys.exit(WRONG_USAGE if isinstance(error, SettingsError) else FAILED)

    return wrapped  # type: ignore[return-value]

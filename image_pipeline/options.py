"""What the commands share: the options that are settings, and errors for people."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar

import click

from image_pipeline.errors import PipelineError, RunInterruptedError, SettingsError
from image_pipeline.logs import error_line, write_line
from image_pipeline.settings import LogFormat, Settings, variable_of
from image_pipeline.signals import interrupted_exit_code

F = TypeVar("F", bound=Callable[..., Any])

FAILED, WRONG_USAGE = 1, 2

_SHARED = ("home", "models", "qdrant_url", "qdrant_api_key")


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
    """Prints an error for people, or that the command was interrupted, as one line, and ends with its exit code."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except RunInterruptedError as error:
            _end(str(error), interrupted_exit_code())
        except PipelineError as error:
            _end(str(error), WRONG_USAGE if isinstance(error, SettingsError) else FAILED)
        except KeyboardInterrupt:
            _end(f"Interrupted: `{command.__name__.replace('_', '-')}` did not finish.", interrupted_exit_code())

    return wrapped  # type: ignore[return-value]


def _end(message: str, code: int) -> NoReturn:
    if os.environ.get(variable_of("log_format")) == LogFormat.JSON:
        write_line(error_line(message))
    else:
        click.echo(f"image-pipeline: {message}", err=True)
    sys.exit(code)

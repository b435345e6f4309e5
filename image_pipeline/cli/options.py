"""Options and error messages that the commands share."""

import io
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from image_pipeline.errors import PipelineError, RunInterruptedError, SettingsError
from image_pipeline.logs import error_line, warning_line
from image_pipeline.settings import LogFormat, Settings, variable_of
from image_pipeline.signals import interrupted_exit_code
from image_pipeline.terminal import echo, echo_json, escaped, show_what_cannot_be_encoded

F = TypeVar("F", bound=Callable[..., Any])

FAILED, WRONG_USAGE = 1, 2

# A missing folder is wrong usage; click names it in its message.
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)

_SHARED = ("home", "models", "qdrant_url", "qdrant_api_key")


class Commands(click.Group):
    """The commands. Usage errors are printed as JSON lines if the logs are JSON.

    Their text is escaped, because the shell expands `*`, so that it may contain any file name.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that the arguments name."""
        show_what_cannot_be_encoded()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command of a context."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if _are_logs_json():
                echo_json(error_line(error.format_message()), err=True)
            else:
                vars(error)["message"] = escaped(error.message)
                shown = io.StringIO()
                error.show(shown)  # click itself writes UTF-8, whatever the terminal's encoding
                for line in shown.getvalue().splitlines():
                    echo(line, err=True)
            ctx.exit(error.exit_code)


def _are_logs_json() -> bool:
    return os.environ.get(variable_of("log_format")) == LogFormat.JSON


def print_notice(message: str) -> None:
    """Print a notice on stderr that is neither an error nor part of the command's output."""
    if _are_logs_json():
        echo_json(warning_line(message), err=True)
    else:
        echo(f"image-pipeline: {message}", err=True)


def _option(name: str) -> Callable[[F], F]:
    description = (Settings.model_fields[name].description or "").replace("`", "")
    variable = variable_of(name)
    return click.option(f"--{name.replace('_', '-')}", name, metavar="VALUE", help=f"{description} [{variable}]")


def shared_options(command: F) -> F:
    """Add the options that all commands share; the help of each ends with its environment variable."""
    for name in reversed(_SHARED):
        command = _option(name)(command)
    return command


def errors_for_people(command: F) -> F:
    """Print a PipelineError or an interruption as one line, and exit with its code."""

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
    if _are_logs_json():
        echo_json(error_line(message), err=True)
    else:
        echo(f"image-pipeline: {message}", err=True)
    sys.exit(code)

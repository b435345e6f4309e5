"""The run config: a closed list of what it may contain.

It may contain only the keys of the partitions that `retire` removes, and the log level of the console. All else comes
from the settings of the process that executes the run. The reason is that anyone who can reach the page can write a run
config, which could otherwise place the store in any folder, or send any environment variable to a foreign Qdrant.
Resources take no config (see `resources`), and assets and checks declare `NO_CONFIG`. This module replaces Dagster's
configurable defaults: executor, I/O manager and console logger.
"""

import logging

import dagster as dg
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._utils.log import create_console_logger

NO_CONFIG: dict[str, dg.Field] = {}
"""The config schema of assets and checks that take no config: without it, Dagster accepts any config and ignores it."""


@dg.executor(name="in_process", config_schema=NO_CONFIG)
def in_process(_: dg.InitExecutorContext) -> dg.Executor:
    """Executes a run in one process: models are loaded once, and a step costs a tenth of one in a separate process.

    Dagster's own executor can be configured to start a step although an earlier one failed.
    """
    return InProcessExecutor(retries=RetryMode.ENABLED)


@dg.io_manager(config_schema=NO_CONFIG)
def in_memory(_: dg.InitResourceContext) -> dg.IOManager:
    """Keeps the outputs of ops in memory until the run ends. Dagster's default writes pickles into a folder."""
    return dg.InMemoryIOManager()


_LEVELS = dg.Enum("LogLevel", [dg.EnumValue(name) for name in ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")])


@dg.logger(config_schema={"log_level": dg.Field(_LEVELS, is_required=False, default_value="INFO")})
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """Shows a run on the terminal. Dagster's own logger accepts any level, and a run with an unknown one fails late."""
    return create_console_logger("dagster", context.logger_config["log_level"])

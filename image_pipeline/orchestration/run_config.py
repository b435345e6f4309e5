"""What a run may be told, beside which directories it takes: a closed list.

That is the keys that `retire` is to take out, and how much the console shows. Everything else of a run comes from the
settings of the process that executes it: a run config can be written by whoever reaches the page, and once could point
the store at any folder, or send any environment variable to a Qdrant of somebody else's. Resources take no config (see
`resources`), assets and checks declare `NO_CONFIG`, and what Dagster would fill in with a configurable default is here.
"""

import logging

import dagster as dg
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._utils.log import create_console_logger

NO_CONFIG: dict[str, dg.Field] = {}
"""The config schema of what takes none: without it, Dagster takes anything, and ignores it."""


@dg.executor(name="in_process", config_schema=NO_CONFIG)
def in_process(_: dg.InitExecutorContext) -> dg.Executor:
    """One process a run: models are loaded once, and a step costs a tenth of what it costs in its own process.

    Dagster's own can be told to begin a step although one before it has failed.
    """
    return InProcessExecutor(retries=RetryMode.ENABLED)


@dg.io_manager(config_schema=NO_CONFIG)
def in_memory(_: dg.InitResourceContext) -> dg.IOManager:
    """Keeps what an op gives for the length of its run. Dagster's own default writes pickles into a folder."""
    return dg.InMemoryIOManager()


_LEVELS = dg.Enum("LogLevel", [dg.EnumValue(name) for name in ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")])


@dg.logger(config_schema={"log_level": dg.Field(_LEVELS, is_required=False, default_value="INFO")})
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """Shows a run on the terminal. Dagster's own takes any level, and a run that names none there is fails late."""
    return create_console_logger("dagster", context.logger_config["log_level"])

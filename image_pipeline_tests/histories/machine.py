"""Random histories: hypothesis draws what happens to a library and to the runs over it."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from image_pipeline_tests.histories.faults import Fault, faults
from image_pipeline_tests.histories.history import History, World
from image_pipeline_tests.histories.library import Operation, operations

_MOST_RUNS = 4


def make_machine(world: World) -> type[RuleBasedStateMachine]:
    """Histories in `world`. After the last run of each, which nothing disturbs, the model must hold exactly."""

    class Histories(RuleBasedStateMachine):
        history: History
        disturbed = 0

        @initialize(files=st.integers(0, 10), partition_size=st.sampled_from([4096, 4096, 4096, 8]))
        def begin(self, files: int, partition_size: int) -> None:
            self.history = History(world, files, partition_size)

        @rule(changes=st.lists(operations, min_size=1, max_size=6))
        def change(self, changes: list[Operation]) -> None:
            self.history.change(changes)

        @precondition(lambda self: self.disturbed < _MOST_RUNS)
        @rule(fault=faults(world.server is not None, world.room.is_small))
        def run_disturbed(self, fault: Fault) -> None:
            self.disturbed += 1
            world.tally.faults[type(fault).__name__] += 1
            self.history.log.append(f"run with {type(fault).__name__}")
            self._told(lambda: fault.strike(self.history))

        @rule()
        def run_undisturbed(self) -> None:
            self._told(self.history.run_undisturbed)

        def _told(self, run: Any) -> None:
            try:
                run()
            except BaseException as error:
                error.add_note("\n".join([f"what happened in {self.history.name}:", *self.history.log]))
                _keep_for_debugging(self.history)
                raise

        def teardown(self) -> None:
            if hasattr(self, "history"):
                world.tally.histories += 1
                self._told(self.history.run_undisturbed)
                self.history.close()

    return Histories


def history_settings(histories: int, steps: int, **others: Any) -> settings:
    """Settings for so many histories of at most so many steps.

    Nothing is shrunk or tried again: a kill at a moment of a real process never comes twice at the same instruction,
    so that a shorter history that passes would tell nothing, and each costs seconds. What happened is told in full.
    """
    return settings(
        max_examples=histories,
        stateful_step_count=steps,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        **others,
    )


def _keep_for_debugging(history):
    import shutil
    import os

    if os.environ.get("HFAIL"):
        shutil.copytree(
            history.settings.home, f"/tmp/hfail/{os.getpid()}-{history.name}", dirs_exist_ok=True, symlinks=True
        )
        shutil.copytree(
            history.library.root, f"/tmp/hfail/{os.getpid()}-{history.name}-library", dirs_exist_ok=True, symlinks=True
        )

"""Random histories: hypothesis draws what happens to a library and to the runs over it."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from image_pipeline_tests.histories.faults import Fault, faults
from image_pipeline_tests.histories.history import History, World
from image_pipeline_tests.histories.operations import Operation, operations


def make_machine(world: World) -> type[RuleBasedStateMachine]:
    """Histories in `world`. After the last run of each, which nothing disturbs, the model must hold exactly."""

    class Histories(RuleBasedStateMachine):
        history: History

        @initialize(
            files=st.integers(0, 8),
            partition_size=st.sampled_from([4096, 4096, 4096, 8]),
            is_fresh=st.sampled_from([False, False, False, True]),
        )
        def begin(self, files: int, partition_size: int, is_fresh: bool) -> None:
            self.history = History(world, files, partition_size, is_fresh)

        @rule(
            changes=st.lists(operations, max_size=6),
            fault=st.one_of(st.none(), *faults(world.server is not None, world.room.is_small)),
        )
        def change_and_run(self, changes: list[Operation], fault: Fault | None) -> None:
            self.history.change(changes)
            if fault is None:
                self._told(self.history.run_undisturbed)
            else:
                world.tally.faults[type(fault).__name__] += 1
                self.history.log.append(f"run with {type(fault).__name__}")
                self._told(lambda: fault.strike(self.history))

        def _told(self, run: Any) -> None:
            try:
                run()
            except Exception as error:
                happened = "\n".join([f"what happened in {self.history.name}:", *self.history.log, str(error)])
                world.tally.failures.append(happened)
                raise

        def teardown(self) -> None:
            if hasattr(self, "history"):
                world.tally.histories += 1
                self._told(self.history.run_undisturbed)
                self._told(self.history.look_for_work)
                self.history.close()

    return Histories


def run_histories(world: World, drawn_by: settings) -> None:
    """Let histories happen in `world`; what raises tells each that failed, whatever hypothesis then makes of it."""
    failed_before = len(world.tally.failures)
    try:
        run_state_machine_as_test(make_machine(world), settings=drawn_by)
    except BaseException as error:
        for happened in world.tally.failures[failed_before:]:
            error.add_note(happened)
        raise
    assert len(world.tally.failures) == failed_before, "\n\n".join(world.tally.failures)


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

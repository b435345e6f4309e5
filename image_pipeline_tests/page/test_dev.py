"""How `image-pipeline dev` begins and ends: in a terminal, from a script, and when it is killed."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from image_pipeline_tests.page.program import Dev, add_partition
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.shell import PROGRAM


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what a script begins with `&`


def _listening_ports(pids: Iterable[int]) -> list[int]:
    """The TCP ports on which processes listen."""
    listening = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                listening[f"socket:[{fields[9]}]"] = int(fields[1].rpartition(":")[2], 16)
    files = [file for pid in pids for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()]
    names = []
    for file in files:
        with suppress(FileNotFoundError):  # it was closed meanwhile
            names.append(str(file.readlink()))
    return [listening[name] for name in names if name in listening]


def _begin_long_run(dev: Dev) -> str:
    """Begin a run over many pictures, and wait until it has begun to work; gives its id."""
    draw_scenes(dev.home / "library/many", 300)
    dev.graphql(add_partition("many"))
    run_id = str(dev.launch(tags={"dagster/partition": "many"})["run"]["runId"])
    assert wait_until((dev.home / "store/tables/content_hashes").exists, 120), dev.log
    return run_id


def test_begun_by_a_script_it_ends_on_sigterm_with_all_that_it_began(tmp_path: Path) -> None:
    with Dev(tmp_path, begin=_ignore_interrupts, IMAGE_PIPELINE_LOG_FORMAT="json") as dev:
        dev.wait_until_open()
        [opened] = [json.loads(line) for line in dev.log.splitlines() if dev.url in line]
        assert opened["level"] == "info"
        dev.process.send_signal(signal.SIGINT)
        processes = dev.processes()
        assert len(processes) >= 3, "the page, the code server, the daemon"
        assert _listening_ports(processes) == [dev.port], "there is no way to Dagster but the page's"
        daemon = next(pid for pid, command in processes.items() if "dagster._daemon" in command)
        os.kill(daemon, signal.SIGKILL)
        assert wait_until(lambda: dev.log.count("daemons: [") == 2, 60), "a daemon that was killed is started again"
        dev.process.terminate()
        assert dev.process.wait(60) == 128 + signal.SIGTERM
        assert dev.processes() == {}
        assert "Traceback" not in dev.log


def test_the_store_is_not_deleted_under_an_open_page(tmp_path: Path) -> None:
    def forget() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, "forget", "--yes"], env=dev.environment, capture_output=True, text=True, timeout=60
        )

    with Dev(tmp_path) as dev:
        dev.wait_until_open()
        refused = forget()
        assert refused.returncode == 1 and "image-pipeline dev" in refused.stderr
        assert (tmp_path / "store/dagster/dagster.yaml").exists()
        dev.process.terminate()
        dev.process.wait(60)
        assert "Traceback" not in dev.log
        assert forget().returncode == 0 and not (tmp_path / "store").exists()


def test_ctrl_c_ends_a_run_that_is_under_way_and_all_processes(tmp_path: Path) -> None:
    with Dev(tmp_path) as dev:
        dev.wait_until_open()
        run_id = _begin_long_run(dev)
        os.killpg(dev.process.pid, signal.SIGINT)  # as a terminal does
        assert dev.process.wait(60) == 128 + signal.SIGINT
        assert dev.processes() == {}
        assert "Traceback" not in dev.log
    records = InstanceRef.from_dir(str(tmp_path / "store/dagster"))
    with dg.DagsterInstance.from_ref(records) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None and run.is_finished and not run.is_success, "it had the time to say how it ended"


def test_a_closed_terminal_ends_it_and_no_further_signal_leaves_anything_behind(tmp_path: Path) -> None:
    def begin() -> None:  # tests that were started with nohup ignore it, and so would what they start
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    with Dev(tmp_path, begin=begin) as dev:
        dev.wait_until_open()
        dev.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)  # two signals at the same moment may arrive in any order
        # told again and again, as by an impatient person, while it ends its processes
        while dev.process.poll() is None:
            with suppress(ProcessLookupError):
                dev.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                dev.process.wait(0.1)
        assert dev.process.returncode == 128 + signal.SIGHUP
        assert dev.processes() == {}
        assert "Traceback" not in dev.log


def test_a_folder_for_temporary_files_with_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    with Dev(tmp_path, TMPDIR=str(long)) as dev:
        dev.wait_until_open()
        assert dev.graphql("{ version }")["version"]


def test_a_code_server_that_ends_is_reported_at_once(tmp_path: Path) -> None:
    with Dev(tmp_path) as dev:
        assert wait_until(lambda: any("api grpc" in command for command in dev.processes().values()), 60), dev.log
        server = next(pid for pid, command in dev.processes().items() if "api grpc" in command)
        os.kill(server, signal.SIGKILL)
        assert dev.process.wait(60) == 1
        assert "The code server ended before it answered (SIGKILL)" in dev.log.splitlines()[-1]


def test_killed_it_leaves_nothing_behind_that_goes_on(tmp_path: Path) -> None:
    with Dev(tmp_path) as dev:
        dev.wait_until_open()
        _begin_long_run(dev)
        dev.process.kill()
        dev.process.wait()
        assert wait_until(lambda: dev.processes() == {}, 60)


def test_a_port_that_is_taken_is_named_at_once(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with Dev(tmp_path, port=other.getsockname()[1]) as dev:
            assert dev.process.wait(60) == 1
            assert dev.log.count("\n") == 1
            assert f"Port {dev.port} is taken" in dev.log and "--port" in dev.log
            assert not (tmp_path / "store/dagster").exists(), "nothing was begun"


def test_a_name_of_the_page_that_is_an_address_is_refused(tmp_path: Path) -> None:
    with Dev(tmp_path, IMAGE_PIPELINE_PAGE_HOSTS="http://photos.example") as dev:
        assert dev.process.wait(60) == 2
        assert dev.log.count("\n") == 1 and "IMAGE_PIPELINE_PAGE_HOSTS" in dev.log

"""What is anybody's text is shown, and not obeyed: on a terminal, in a log, on the page."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import image_pipeline
from image_pipeline.files.names import to_text
from image_pipeline.terminal import escaped, unescaped

PROGRAMS = Path(sys.executable).parent
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
NAME = "a\x1b]0;owned\x07\x1b[2J\n0 missing\r\u202egpj.\x9b31mé"
"""Sets a window's title, wipes the screen, begins a line of its own, runs backwards, and colours what follows."""


class Shell:
    """Runs programs over a library of hostile names."""

    def __init__(self, home: Path) -> None:
        self.library = home / "library"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "IMAGE_LIBRARY": str(self.library),
            "IMAGE_PIPELINE_HOME": str(home / "store"),
            "DAGSTER_HOME": str(home / "store/dagster"),
            "IMAGE_PIPELINE_MODELS": "bundled:embedder,none",
            "LANG": "C.UTF-8",
        }

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            env={**self.environment, **environment},
            capture_output=True,
            timeout=240,
        )

    def lines(self, *command: str, code: int = 0) -> list[str]:
        """What a person sees of a command."""
        done = self.run("image-pipeline", *command)
        shown = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == code, shown
        assert not OBEYED.search(shown), repr(shown)
        return shown.splitlines()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    made = Shell(tmp_path_factory.mktemp("hostile"))
    directory = made.library / NAME
    directory.mkdir(parents=True)
    Image.new("RGB", (64, 48), "red").save(directory / f"{NAME}.jpg")
    (directory / f"bad{NAME}.jpg").write_bytes(b"no picture \x1b[31m")
    done = made.run("image-pipeline", "ingest", "--json")
    assert done.returncode == 0, done.stderr
    return made


def test_a_name_is_shown_and_not_obeyed(shell: Shell) -> None:
    shown = escaped(NAME)
    assert shown == r"a\x1b]0;owned\x07\x1b[2J\n0 missing\r\u202egpj.\u009b31mé"
    path, bad = f"{shown}/{shown}.jpg", f"{shown}/bad{shown}.jpg"
    assert any(line.endswith(path) for line in shell.lines("search", "a red square"))
    quarantine = shell.lines("quarantine")
    assert len(quarantine) == 3 and quarantine[0].endswith(bad), "a newline begins no line"
    assert shell.lines("scan")
    [event] = shell.lines("history", path)
    assert "indexed" in event, "a name may be copied as it is printed"
    assert shell.lines("history", str(shell.library / NAME / f"{NAME}.jpg")) == [event]
    assert path in shell.lines("history", path + NAME, code=1)[-1]
    as_python_writes_it = shown.replace(r"\u009b", r"\x9b")  # click shows a wrong path so
    assert as_python_writes_it in shell.lines("ingest", str(shell.library / NAME / NAME), code=2)[-1]
    assert shown in shell.lines("status", "a", NAME, code=2)[-1], "a shell's * puts any name there"
    Image.new("RGB", (64, 48), "blue").save(shell.library / NAME / f"b{NAME}.jpg")
    (shell.library / NAME / f"bad{NAME}.jpg").unlink()
    verified = shell.lines("verify", code=1)
    assert f"missing   {shown}/b{shown}.jpg  (no point)" in verified
    assert f"orphaned  {bad}  (no file)" in verified


def test_a_log_is_shown_and_not_obeyed(shell: Shell) -> None:
    (shell.library / NAME / f"worse{NAME}.jpg").write_bytes(b"")
    key = json.loads(shell.run("image-pipeline", "scan", "--json").stdout)[0]["partition"]
    execute = ("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest")
    done = shell.run("dagster", *execute, "--tags", json.dumps({"dagster/partition": key}))
    logs = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr.decode())  # Dagster's own colours
    assert done.returncode == 0, logs
    assert not OBEYED.search(logs)
    assert f"worse{escaped(NAME)}.jpg is in quarantine: empty" in logs


def test_any_encoding_and_any_library_can_be_printed(shell: Shell) -> None:
    for environment in ({"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        for command in ("quarantine", "verify", "--help", "ingest nowhère"):
            done = shell.run("image-pipeline", *command.split(), **environment)
            assert b"Traceback" not in done.stderr and (done.stdout + done.stderr).isascii(), (command, done)
        files = json.loads(shell.run("image-pipeline", "quarantine", "--json", **environment).stdout)
        assert files[0]["path"].startswith(f"{NAME}/"), "JSON is the same in any encoding"
    library = shell.library.parent / os.fsdecode(b"not UTF-8 \xff")
    library.mkdir()
    given = {"IMAGE_LIBRARY": str(library), "IMAGE_PIPELINE_HOME": str(library / ".store")}
    done = shell.run("image-pipeline", "status", "--json", **given)
    assert json.loads(done.stdout)["library"] == to_text(str(library))
    done = shell.run("image-pipeline", "status", **given)
    assert done.returncode == 0 and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text",
    ["plain", NAME, "👨‍👩‍👧 نص", r"a\x1b", *map(chr, (0x7F, 0x85, 0x2028, 0xDC80, 0xFEFF, 0xE0001))],
)
def test_an_escaped_text_is_one_line_and_can_be_turned_back(text: str) -> None:
    shown = escaped(text)
    assert not OBEYED.search(shown) and len(shown.splitlines()) == 1 and shown.encode()
    assert unescaped(shown) == unescaped(text)
    assert escaped(shown) == shown, "what is escaped twice is escaped once"


def test_everything_is_printed_by_way_of_one_module() -> None:
    package = Path(image_pipeline.__file__).parent
    prints = re.compile(r"\bclick\.s?echo\(|\bprint\(|\bstd(out|err)\.write\(")
    told = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if prints.search(file.read_text()) and "if __name__" not in file.read_text()
    }
    assert not told - {"terminal.py"}, "by `echo` and `echo_json` of image_pipeline.terminal"

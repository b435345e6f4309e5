"""What is anybody's text is shown, and not obeyed: on a terminal, in a log, on the page."""

import json
import os
import re
from pathlib import Path

import pytest
from PIL import Image

import image_pipeline
from image_pipeline.files.names import to_text
from image_pipeline.terminal import escaped, unescaped
from image_pipeline_tests.support.shell import DAGSTER, Shell

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
NAME = "a\x1b]0;owned\x07\x1b[2J\n0 missing\r\u202egpj.\x9b31mé"
"""Sets a window's title, wipes the screen, begins a line of its own, runs backwards, and colours what follows."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    home = tmp_path_factory.mktemp("hostile")
    directory = home / "library" / NAME
    directory.mkdir(parents=True)
    Image.new("RGB", (64, 48), "red").save(directory / f"{NAME}.jpg")
    (directory / f"bad{NAME}.jpg").write_bytes(b"no picture \x1b[31m")
    shell = Shell.over_library(home, DAGSTER_HOME=str(home / "store/dagster"))
    shell.json("ingest")
    return shell


def lines(shell: Shell, *arguments: str, code: int = 0) -> list[str]:
    """What a person sees of a command."""
    done = shell.run_bytes(*arguments)
    shown = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == code, shown
    assert not OBEYED.search(shown), repr(shown)
    return shown.splitlines()


def test_a_name_is_shown_and_not_obeyed(shell: Shell) -> None:
    shown = escaped(NAME)
    assert shown == r"a\x1b]0;owned\x07\x1b[2J\n0 missing\r\u202egpj.\u009b31mé"
    path, bad = f"{shown}/{shown}.jpg", f"{shown}/bad{shown}.jpg"
    assert any(line.endswith(path) for line in lines(shell, "search", "a red square"))
    quarantine = lines(shell, "quarantine")
    assert len(quarantine) == 3 and quarantine[0].endswith(bad), "a newline begins no line"
    assert lines(shell, "scan")
    [event] = lines(shell, "history", path)
    assert "indexed" in event, "a name may be copied as it is printed"
    assert lines(shell, "history", str(shell.home / "library" / NAME / f"{NAME}.jpg")) == [event]
    assert path in lines(shell, "history", path + NAME, code=1)[-1]
    as_python_writes_it = shown.replace(r"\u009b", r"\x9b")  # click shows a wrong path so
    assert as_python_writes_it in lines(shell, "ingest", str(shell.home / "library" / NAME / NAME), code=2)[-1]
    assert shown in lines(shell, "status", "a", NAME, code=2)[-1], "a shell's * puts any name there"
    Image.new("RGB", (64, 48), "blue").save(shell.home / "library" / NAME / f"b{NAME}.jpg")
    (shell.home / "library" / NAME / f"bad{NAME}.jpg").unlink()
    verified = lines(shell, "verify", code=1)
    assert f"missing   {shown}/b{shown}.jpg  (no point)" in verified
    assert f"orphaned  {bad}  (no file)" in verified


def test_a_log_is_shown_and_not_obeyed(shell: Shell) -> None:
    (shell.home / "library" / NAME / f"worse{NAME}.jpg").write_bytes(b"")
    key = json.loads(shell.run_bytes("scan", "--json").stdout)[0]["partition"]
    execute = ("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest")
    done = shell.run_bytes(*execute, "--tags", json.dumps({"dagster/partition": key}), program=DAGSTER)
    logs = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr.decode())  # Dagster's own colours
    assert done.returncode == 0, logs
    assert not OBEYED.search(logs)
    assert f"worse{escaped(NAME)}.jpg is in quarantine: empty" in logs


def test_any_encoding_and_any_library_can_be_printed(shell: Shell) -> None:
    for environment in ({"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        for command in ("quarantine", "verify", "--help", "ingest nowhère"):
            done = shell.run_bytes(*command.split(), **environment)
            assert b"Traceback" not in done.stderr and (done.stdout + done.stderr).isascii(), (command, done)
        files = json.loads(shell.run_bytes("quarantine", "--json", **environment).stdout)
        assert files[0]["path"].startswith(f"{NAME}/"), "JSON is the same in any encoding"
    library = shell.home / os.fsdecode(b"not UTF-8 \xff")
    library.mkdir()
    given = {"IMAGE_LIBRARY": str(library), "IMAGE_PIPELINE_HOME": str(library / ".store")}
    done = shell.run_bytes("status", "--json", **given)
    assert json.loads(done.stdout)["library"] == to_text(str(library))
    done = shell.run_bytes("status", **given)
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

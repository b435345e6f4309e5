"""Names of any bytes stand in tables and payloads as text, and come back as they were."""

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from image_pipeline.files.names import from_text, to_text

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name and b"/" not in name)


@given(NAMES)
@example(b"plain.jpg")
@example("Türkei 日本.jpg".encode())
@example(b"latin-1 \xe9t\xe9.jpg")
@example("\uf780\uf7ff".encode())
@example(b"\xef\x9e" + b"\xef\x9e\x80")
@example(b"\xed\xb2\x80")
def test_every_name_comes_back(name: bytes) -> None:
    text = to_text(os.fsdecode(name))
    text.encode()  # valid UTF-8: no lone surrogates
    assert os.fsencode(from_text(text)) == name


@given(NAMES, NAMES)
def test_two_names_never_have_the_same_text(one: bytes, other: bytes) -> None:
    assert (to_text(os.fsdecode(one)) == to_text(os.fsdecode(other))) == (one == other)


@given(st.text(st.characters(exclude_categories=["Cs", "Co"], exclude_characters="\0/"), min_size=1))
def test_valid_names_stand_as_they_are(name: str) -> None:
    assert to_text(os.fsdecode(name.encode())) == name


def test_names_on_a_real_file_system(tmp_path: Path) -> None:
    names = [b"a.jpg", "Grüße.jpg".encode(), b"gr\xfc\xdfe.jpg", b"line\nbreak.jpg", "\uf7fc.jpg".encode()]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    for entry in tmp_path.iterdir():
        assert (tmp_path / from_text(to_text(entry.name))).read_bytes() == os.fsencode(entry.name)


def test_texts_are_the_same_in_an_old_locale() -> None:
    program = (
        "import os; from image_pipeline.files.names import to_text, from_text;"
        "name = os.fsdecode(b'\\xc3\\xa9.jpg'); text = to_text(name);"
        "assert ascii(text) == ascii('\\xe9.jpg'), ascii(text); assert from_text(text) == name"
    )
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)

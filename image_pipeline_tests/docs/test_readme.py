"""What the README says is so."""

from pathlib import Path

import click

from image_pipeline.cli.main import main
from image_pipeline.inference.profiles import Profile
from image_pipeline.schema.outcome import Reason
from image_pipeline.settings_table import settings_table

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_table_of_settings_is_true() -> None:
    assert settings_table() in README


def test_every_command_is_told() -> None:
    told = README + (Path(__file__).parents[2] / "Makefile").read_text()
    for name in main.list_commands(click.Context(main)):
        assert f"image-pipeline {name}" in told, name


def test_every_reason_and_profile_is_told() -> None:
    for reason in Reason:
        assert f"| `{reason}` |" in README, reason
    for profile in Profile:
        assert f"| `{profile}` |" in README, profile


def test_its_pictures_are_there_and_small() -> None:
    for line in README.splitlines():
        if line.startswith("!["):
            picture = Path(__file__).parents[2] / line.split("](")[1].rstrip(")")
            assert picture.stat().st_size < 200_000, picture

"""Command lines as values."""

import shlex
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.command import command, format_number
from media.probe import hardened_input


def test_a_person_can_paste_the_line() -> None:
    built = command(["ffmpeg", "-i", "file:it's here.mov", "-vf", "scale=1:2;[a]"], purpose="a test")
    assert built.shell_line() == "ffmpeg -i 'file:it'\"'\"'s here.mov' -vf 'scale=1:2;[a]'"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_the_pasted_line_says_what_the_arguments_say(argv: list[str]) -> None:
    assert shlex.split(command(argv, purpose="a test").shell_line()) == argv


@pytest.mark.parametrize(("number", "text"), [(24, "24"), (23.5, "23.5"), (0, "0"), (0.0000001, "0"),
                                              (1e9, "1000000000"), (1 / 3, "0.333333"), (-2.50, "-2.5")])  # fmt: skip
def test_numbers_have_one_text(number: float, text: str) -> None:
    assert command(["tool", number], purpose="a test").argv == ("tool", text)


@given(st.floats(-1e12, 1e12))
def test_a_number_keeps_its_value_to_a_millionth(number: float) -> None:
    text = format_number(number)
    assert "e" not in text
    assert abs(Decimal(text) - Decimal(number)) <= Decimal("0.0000005")


@pytest.mark.parametrize("wrong", [None, True, b"bytes", ["list"]])
def test_anything_but_text_and_numbers_is_a_programming_mistake(wrong: object) -> None:
    with pytest.raises(TypeError, match="text or number expected"):
        command(["tool", wrong], purpose="a test")  # type: ignore[list-item]  # the point of the test


def test_what_opens_untrusted_media_is_in_a_sandbox() -> None:
    with pytest.raises(ValueError, match="needs a sandbox"):
        command(["ffmpeg", *hardened_input(Path("source.mov"))], purpose="careless")

"""What a person or a program reads: results on standard output, everything else on standard error."""

import json
from typing import Any

from pydantic import BaseModel
from rich.console import Console, RenderableType

from domain.errors import PertitleError


def results() -> Console:
    """Returns the console for what was asked for."""
    return Console(highlight=False, soft_wrap=True)


def notes() -> Console:
    """Returns the console for progress, hints and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def show(renderable: RenderableType, content: BaseModel | dict[str, Any], *, as_json: bool) -> None:
    """Prints a table for people, or the same facts as one JSON document."""
    if as_json:
        print_json(content)
    else:
        results().print(renderable)


def print_json(content: BaseModel | dict[str, Any]) -> None:
    """Prints one JSON document."""
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    results().print(json.dumps(plain, indent=2, ensure_ascii=False), markup=False)


def print_json_line(content: dict[str, Any]) -> None:
    """Prints a JSON document on one line, for streams of them."""
    results().print(json.dumps(content, ensure_ascii=False), markup=False)


def print_error(error: PertitleError, *, as_json: bool) -> None:
    """Prints an error: one paragraph for people; its record for programs."""
    if as_json:
        print_json({"error": error.as_record()})
    notes().print(str(error), style="red", markup=False)

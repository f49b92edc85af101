"""Errors of a worker process that does not start."""

from typing import ClassVar

from domain.errors import PertitleError


class FolderUnusable(PertitleError):
    """A worker cannot write into its scratch or cache folder, and so does not begin."""

    code: ClassVar[str] = "TOOL-009"

"""The ``pertitle`` command."""


def main() -> None:
    """Runs the command."""

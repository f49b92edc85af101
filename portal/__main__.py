"""``python -m portal --port N``: the portal as a process, on loopback."""

import argparse

import uvicorn

from client.session import store_of_environment
from portal.app import create_app


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="portal", description="Serves the newest report of each title on loopback.")
    parser.add_argument("--port", type=int, required=True, help="loopback port")
    options = parser.parse_args()
    uvicorn.run(
        create_app(store_of_environment()),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()

"""``python -m portal --port N``: the portal as a process, on loopback."""

import argparse

import uvicorn

from client.session import payload_keys_of_environment, store_of_environment
from portal.app import create_app
from portal.codec_endpoint import create_codec_endpoint


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="portal", description="Serves the newest report of each title on loopback.")
    parser.add_argument("--port", type=int, required=True, help="loopback port")
    options = parser.parse_args()
    keys, ui_url = payload_keys_of_environment()
    endpoint = create_codec_endpoint(keys, ui_url) if keys.sealing_id else None
    uvicorn.run(
        create_app(store_of_environment(), endpoint),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,  # the codec endpoint's address has a secret part
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()

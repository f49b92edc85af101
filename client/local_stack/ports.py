"""Loopback ports: chosen once, kept, and chosen again only where somebody else took one."""

import secrets
import socket
from collections.abc import Collection, Mapping

HOST = "127.0.0.1"
LOWEST, HIGHEST = 15_000, 31_999
"""Below Linux's ephemeral range (32768 and up), from which outgoing connections would take a kept port.

Source: Linux, Documentation/networking/ip-sysctl.rst, ``ip_local_port_range``.
"""

PORT_NAMES: tuple[str, ...] = (
    "temporal",
    "temporal_ui",
    "temporal_http",
    "temporal_metrics",
    "s3",
    "s3_grpc",
    "s3_metrics",
    "s3_master",
    "s3_master_grpc",
    "s3_volume",
    "s3_volume_grpc",
    "s3_filer",
    "s3_filer_grpc",
    "portal",
    "orchestrate_metrics",
    "io_metrics",
    "encode_cpu_metrics",
    "measure_metrics",
)
"""Every port of a stack."""


def is_free(port: int) -> bool:
    """Tells whether nobody listens on a loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Ports of connections that have just been closed (TIME_WAIT) are free for us.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def are_free(ports: Mapping[str, int]) -> bool:
    """Tells whether nobody listens on any of these ports."""
    return all(is_free(port) for port in ports.values())


def choose_ports(kept: Mapping[str, int]) -> dict[str, int]:
    """Returns a free port for each name: the kept one where it is still free, else another."""
    chosen: dict[str, int] = {}
    for name in PORT_NAMES:
        port = kept.get(name)
        if port is None or port in chosen.values() or not is_free(port):
            port = find_port(avoid={*chosen.values(), *kept.values()})
        chosen[name] = port
    return chosen


def find_port(avoid: Collection[int]) -> int:
    """Returns a free port that is none of some others; somebody may still take it before it is used."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if port not in avoid and is_free(port):
            return port

"""The parts of a stack: what is started, with which variables, after what, and when it counts as ready."""

import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from activities.admission import memory_of_machine
from client.local_stack.credentials import identities_file
from client.local_stack.errors import ProgramMissing
from client.local_stack.identities import IDENTITY_OF_ROLE
from client.local_stack.ports import HOST
from client.local_stack.readiness import portal_is_ready, s3_is_ready, temporal_is_ready, worker_is_ready
from client.local_stack.state import GRACEFUL_SHUTDOWN_S, NAMESPACE, StackState

WORKER_ROLES: tuple[str, ...] = ("orchestrate", "io", "encode-cpu", "measure")
SERVER_PARTS: tuple[str, ...] = ("temporal", "s3")
ALL_PARTS: tuple[str, ...] = (*SERVER_PARTS, *WORKER_ROLES, "portal")
SEARCH_ATTRIBUTES: dict[str, str] = {
    "TitleId": "Keyword",
    "Stage": "Keyword",
    "Priority": "Keyword",
    "PercentDone": "Double",
    "Studio": "Keyword",
}
DYNAMIC_CONFIG: dict[str, str] = {
    # Studios share the workers in turns instead of in order of arrival (priorities are on by default from 1.31 on).
    "matching.enableFairness": "true",
    # Order holds within a partition of a task queue: of the default's four, three would go on with their own backlog.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    "frontend.WorkflowPauseEnabled": "true",
}
"""Switches of the Temporal server that a cluster of one's own needs too; see docs/operations.md."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    name: str
    argv: tuple[str, ...]
    is_ready: Callable[[], Awaitable[bool]]
    """Asked again and again from the start of the process until it says yes. May raise ``OSError`` for no."""
    environment: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Parts that must have been ready before this one starts; they end after it."""
    grace_s: float = 5.0
    """Seconds between asking it to end and killing it."""
    patience_s: float = 60.0
    """Seconds that it gets to become ready."""
    leaves: tuple[Path, ...] = ()
    """Files outside the state folder that it makes; they go when it has ended."""


def build_parts(state: StackState) -> list[Part]:
    """Returns the parts that a stack is to have, servers first.

    Raises:
        ProgramMissing: if a server is not installed.
    """
    builders = {"temporal": _temporal_part, "s3": _s3_part, "portal": _portal_part}
    return [
        builders[name](state) if name in builders else _worker_part(state, name)
        for name in ALL_PARTS
        if name in state.part_names
    ]


def find_program(name: str) -> str:
    """Returns the path of a program that a wheel put beside our Python.

    Raises:
        ProgramMissing: if it is not there.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise ProgramMissing(name, found=f"no program {beside}", fix="run `make setup`")
    return found


def temporal_command(program: str, state: StackState) -> tuple[str, ...]:
    """Builds the command line of the Temporal server."""
    attributes = [part for name, kind in SEARCH_ATTRIBUTES.items() for part in ("--search-attribute", f"{name}={kind}")]
    switches = [
        part for name, value in DYNAMIC_CONFIG.items() for part in ("--dynamic-config-value", f"{name}={value}")
    ]
    return (
        program,
        "server",
        "start-dev",
        *("--ip", HOST),
        *("--port", str(state.ports["temporal"])),
        *("--http-port", str(state.ports["temporal_http"])),
        *("--ui-port", str(state.ports["temporal_ui"])),
        *("--metrics-port", str(state.ports["temporal_metrics"])),
        # No news from the network: the stack works, and stays silent, without one.
        "--ui-disable-news-fetch",
        *("--db-filename", str(state.state_dir / "temporal" / "temporal.db")),
        # Without WAL every commit waits for the disk: 5 times fewer activities a second.
        *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
        *("--namespace", NAMESPACE),
        *attributes,
        *switches,
        *("--log-level", "warn"),
    )


def s3_command(program: str, state: StackState) -> tuple[str, ...]:
    """Builds the command line of the S3 server (SeaweedFS)."""
    ports = state.ports
    return (
        program,
        "-logtostderr=true",
        "server",
        f"-dir={state.state_dir / 's3'}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        # A fixed name, so that the volumes are found again when a port had to change.
        "-volume.id=pertitle",
        f"-master.port={ports['s3_master']}",
        f"-master.port.grpc={ports['s3_master_grpc']}",
        "-master.telemetry=false",
        # After a start it waits so long for other masters, which are not there: 10 to 20 s by default.
        "-master.electionTimeout=1s",
        # Each bucket opens 7 volumes; the default of 8 volumes would leave the second bucket without room.
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=0",
        f"-volume.port={ports['s3_volume']}",
        f"-volume.port.grpc={ports['s3_volume_grpc']}",
        "-volume.preStopSeconds=0",
        f"-filer.port={ports['s3_filer']}",
        f"-filer.port.grpc={ports['s3_filer_grpc']}",
        *_socket_options(state),
        "-s3",
        f"-s3.port={ports['s3']}",
        f"-s3.port.grpc={ports['s3_grpc']}",
        # Services on fixed ports that we do not use; a second stack could not start beside the first.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-s3.autoCreateBucket=false",
        f"-s3.config={identities_file(state)}",
        f"-metricsPort={ports['s3_metrics']}",
    )


def _socket_options(state: StackState) -> list[str]:
    """Unix sockets in the state folder, unless its path is too long for one (unix(7): 107 bytes)."""
    options = [f"-{kind}.localSocket={state.state_dir / 's3' / f'{kind}.sock'}" for kind in ("filer", "s3")]
    return options if all(len(option.partition("=")[2]) < 100 for option in options) else []


def _fixed_sockets(state: StackState) -> tuple[Path, ...]:
    """Returns the sockets whose place is fixed in the program."""
    ports = {"s3": "s3_grpc", **{kind: f"s3_{kind}_grpc" for kind in ("master", "volume", "filer")}}
    folder = Path("/tmp")  # noqa: S108 - the program's choice; we only remove what it made there
    return tuple(folder / f"seaweedfs-{kind}-grpc-{state.ports[name]}.sock" for kind, name in ports.items())


def _temporal_part(state: StackState) -> Part:
    return Part(
        "temporal",
        temporal_command(find_program("temporal"), state),
        is_ready=lambda: temporal_is_ready(state.temporal_address, NAMESPACE, SEARCH_ATTRIBUTES),
        environment=_minimal_environment(state),
        grace_s=10.0,
    )


def _s3_part(state: StackState) -> Part:
    return Part(
        "s3",
        s3_command(find_program("weed"), state),
        is_ready=lambda: s3_is_ready(state.s3_endpoint_url, state.credentials_file),
        environment=_minimal_environment(state),
        # It would wait 15 s for connections to itself. When it is asked to end, nobody writes any more, and
        # what it has acknowledged is with the kernel: a kill loses nothing (tests/client/test_stack_servers.py).
        grace_s=1.0,
        leaves=_fixed_sockets(state),
    )


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Our matrices are small: with threads, numpy burns three times the CPU seconds on the same search (33 against 9)."""


MEMORY_TENTHS = {"encode-cpu": 4, "measure": 2, "io": 2}
"""Of the machine's memory, for the programs of each worker: all of them live on one machine."""


def _worker_part(state: StackState, role: str) -> Part:
    metrics_port = state.ports[role.replace("-", "_") + "_metrics"]
    environment = {
        **_minimal_environment(state),
        **state.environment(),
        "AWS_SHARED_CREDENTIALS_FILE": str(state.credentials_file_of(IDENTITY_OF_ROLE[role])),
        "PERTITLE_METRICS_PORT": str(metrics_port),
        "PERTITLE_MEMORY_BYTES": str(memory_of_machine() * MEMORY_TENTHS.get(role, 1) // 10),
        **ONE_THREAD,
        **state.worker_env,
    }
    graceful_s = float(environment.get("PERTITLE_GRACEFUL_SHUTDOWN_S", GRACEFUL_SHUTDOWN_S))
    return Part(
        role,
        (sys.executable, "-P", "-m", "workers", role),
        is_ready=lambda: worker_is_ready(metrics_port),
        environment=environment,
        needs=SERVER_PARTS,
        grace_s=graceful_s + 15.0,
        patience_s=90.0,
    )


def _portal_part(state: StackState) -> Part:
    return Part(
        "portal",
        (sys.executable, "-P", "-m", "portal", "--port", str(state.ports["portal"])),
        is_ready=lambda: portal_is_ready(state.ports["portal"]),
        environment={**_minimal_environment(state), **state.environment()},
        needs=("s3",),
    )


def _minimal_environment(state: StackState) -> dict[str, str]:
    """What every part gets: no credentials, no proxies, no locale of the person who typed `up`."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(state.state_dir / "home"),
        "PYTHONUNBUFFERED": "1",
    }

"""The state of a stack as a file: ``stack.json`` in the state folder. One writer at a time (a lock sees to it)."""

import json
import os
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from client.local_stack.errors import BrokenState
from client.local_stack.ports import HOST
from client.local_stack.processes import ProcessId, is_alive
from domain.values import Value

NAMESPACE = "pertitle"
REGION = "us-east-1"
DEFAULT_STATE = Path(".pertitle")
GRACEFUL_SHUTDOWN_S = 5.0
"""What running units get at ``down`` on a laptop; their checkpoints are in the store, so little is lost."""


class PartStatus(StrEnum):
    """What a part does."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class PartState(Value):
    """One part of the stack."""

    name: str
    status: PartStatus = PartStatus.WAITING
    process: ProcessId | None = None
    starts: int = Field(default=0, ge=0)
    """How often it was started."""
    failures: int = Field(default=0, ge=0)
    """How often in a row it ended without having been ready."""
    last_exit: int | None = None

    @property
    def pid(self) -> int | None:
        """Number of the running process."""
        return self.process.pid if self.process else None


class StackState(Value):
    """Everything about one stack that is not secret."""

    schema_name: Literal["pertitle/stack/v1"] = Field(default="pertitle/stack/v1", alias="schema")
    state_dir: Path
    ports: dict[str, int]
    part_names: tuple[str, ...]
    """The parts that this stack is to have."""
    worker_env: dict[str, str] = {}
    """Variables that workers get beside the common ones."""
    supervisor: ProcessId | None = None
    parts: dict[str, PartState] = {}

    @property
    def temporal_address(self) -> str:
        """``host:port`` of the Temporal server."""
        return f"{HOST}:{self.ports['temporal']}"

    @property
    def ui_url(self) -> str:
        """Address of the Temporal UI."""
        return f"http://{HOST}:{self.ports['temporal_ui']}"

    @property
    def s3_endpoint_url(self) -> str:
        """Address of the S3 server."""
        return f"http://{HOST}:{self.ports['s3']}"

    @property
    def portal_url(self) -> str:
        """Address of the portal."""
        return f"http://{HOST}:{self.ports['portal']}"

    @property
    def credentials_file(self) -> Path:
        """AWS shared credentials file of the S3 server's administrator: what the command line uses."""
        return self.state_dir / "secrets" / "aws-credentials"

    def credentials_file_of(self, identity: str) -> Path:
        """Returns the AWS shared credentials file of an identity with fewer rights."""
        return self.state_dir / "secrets" / f"aws-credentials-{identity}"

    @property
    def kek_file(self) -> Path:
        """File with the local key-encryption key."""
        return self.state_dir / "secrets" / "kek"

    @property
    def payload_key_file(self) -> Path:
        """File with the keys that seal what Temporal keeps; nothing is sealed where there is none."""
        return payload_key_file(self.state_dir)

    @property
    def pids(self) -> dict[str, int]:
        """Part → number of its process, for those that have one."""
        return {name: part.process.pid for name, part in self.parts.items() if part.process}

    @property
    def is_running(self) -> bool:
        """Whether a supervisor looks after this stack now."""
        return is_alive(self.supervisor)

    @property
    def is_ready(self) -> bool:
        """Whether every part is ready now."""
        ready = {
            name for name, part in self.parts.items() if part.status is PartStatus.READY and is_alive(part.process)
        }
        return self.is_running and ready >= set(self.part_names)

    def log_of(self, part: str) -> Path:
        """Returns the log file of a part."""
        return self.state_dir / "logs" / f"{part}.log"

    def environment(self) -> dict[str, str]:
        """Returns the variables with which a worker or client finds this stack. No secrets: only where they are."""
        sealed = {"PERTITLE_PAYLOAD_KEY_FILE": str(self.payload_key_file)} if self.payload_key_file.exists() else {}
        return {
            **sealed,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file),
            # The person's own AWS configuration has no say in a local stack.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PERTITLE_S3_ENDPOINT_URL": self.s3_endpoint_url,
            "PERTITLE_S3_REGION": REGION,
            "PERTITLE_KEK_FILE": str(self.kek_file),
            "PERTITLE_SCRATCH_DIR": str(self.state_dir / "scratch"),
            "PERTITLE_CACHE_DIR": str(self.state_dir / "cache"),
            "PERTITLE_REPORT_BASE_URL": self.portal_url,
            "PERTITLE_TEMPORAL_UI_URL": self.ui_url,
            "PERTITLE_GRACEFUL_SHUTDOWN_S": str(GRACEFUL_SHUTDOWN_S),
        }


def payload_key_file(state_dir: Path) -> Path:
    """Returns where the keys lie that seal what Temporal keeps."""
    return state_dir / "secrets" / "payload-keys"


def state_file(state_dir: Path) -> Path:
    """Returns where the state of a folder's stack lies."""
    return state_dir / "stack.json"


def read_stack(state_dir: Path) -> StackState | None:
    """Returns the last state of a folder's stack, ``None`` if there never was one.

    Raises:
        BrokenState: if the file is there and is not what we wrote.
    """
    path = state_file(state_dir)
    try:
        content = json.loads(path.read_bytes())
        # The folder may have been moved: where it is now counts, not where it was.
        return StackState.model_validate({**content, "state_dir": state_dir.resolve()})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, ValidationError) as error:
        raise BrokenState(
            str(path),
            found=str(error).splitlines()[0],
            expected="a state file of pertitle",
            fix=f"remove {path}; stored results are not touched by that",
        ) from None


def write_stack(state: StackState) -> None:
    """Writes the state, whole or not at all."""
    path = state_file(state.state_dir)
    with tempfile.NamedTemporaryFile("w", dir=state.state_dir, prefix=".stack-", delete=False) as file:
        file.write(state.model_dump_json(indent=2) + "\n")
    Path(file.name).replace(path)

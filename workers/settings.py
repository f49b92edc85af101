"""Settings: what may differ between hosts without changing one coded bit. The only reader of the environment.

Every field can be set by an environment variable, ``PERTITLE_`` and the field's name in capitals. Two things are
deliberately not here: S3 credentials come from the standard AWS chain (``AWS_SHARED_CREDENTIALS_FILE``, a role, …),
and the Temporal connection from ``temporalio.envconfig`` (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``,
``TEMPORAL_TLS*``, ``TEMPORAL_PROFILE``).
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsConfigDict

from activities.admission import memory_of_machine
from workers.key_settings import KeySettings

PREFIX = "PERTITLE_"
_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Returns how many cores this process may use, at least 1: its affinity, and its cgroup's quota if lower.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, ``cpu.max`` (``quota period`` in microseconds, or ``max``).
    """
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = _CGROUP_CPU.read_text().split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):
        return cores


def _default_measure_slots() -> int:
    return max(1, available_cores() // 2)


def _default_memory_bytes() -> int:
    return memory_of_machine() * 4 // 5


def _under_temporary(name: str) -> Path:
    return Path(tempfile.gettempdir()) / "pertitle" / name


class Settings(KeySettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True)

    s3_endpoint_url: str | None = None
    """Address of the S3 server, ``http://host:port``. Without it: AWS."""
    s3_region: str = "us-east-1"
    """Region that requests are signed for."""
    work_bucket: str = "pertitle-work"
    """Bucket of content-addressed results, documents and reports. Private."""
    incoming_bucket: str = "pertitle-incoming"
    """Bucket that sources are uploaded to. Private."""
    releases_bucket: str = "pertitle-releases"
    """Bucket of published releases; what players and caches read."""
    keys_bucket: str = "pertitle-keys"
    """Bucket of sealed (encrypted) content keys. Private, and apart from the others, so that access can be narrow."""
    scratch_dir: Path = Field(default_factory=lambda: _under_temporary("scratch"))
    """Folder for files of running units, a subfolder per role; a worker that starts empties its role's. Default:
    ``pertitle/scratch`` in the system's folder for temporary files."""
    cache_dir: Path = Field(default_factory=lambda: _under_temporary("cache"))
    """Folder of the local cache of fetched objects. Default: ``pertitle/cache`` in the system's folder for temporary
    files."""
    cache_max_bytes: int = Field(default=20_000_000_000, ge=0)
    """Size in bytes at which the least recently used objects leave the local cache."""
    memory_bytes: int = Field(default_factory=_default_memory_bytes, ge=0)
    """Memory in bytes that the units of one worker may take together, by estimate; more wait. Default: four fifths
    of the machine's, or of its cgroup's if that has less."""
    encode_slots: int = Field(default_factory=available_cores, ge=1)
    """Units that one ``encode-cpu`` worker runs at once. Default: the number of cores."""
    measure_slots: int = Field(default_factory=_default_measure_slots, ge=1)
    """Units that one ``measure`` worker runs at once. Default: half the number of cores, at least 1."""
    io_slots: int = Field(default=2, ge=1)
    """Activities that one ``io`` worker runs at once (inspect, split, package, publish)."""
    orchestrate_slots: int = Field(default=8, ge=2)
    """Workflow tasks that one ``orchestrate`` worker runs at once."""
    workflow_cache: int = Field(default=200, ge=0)
    """Workflows that one ``orchestrate`` worker keeps in memory between tasks."""
    janitor_every_h: float = Field(default=24.0, ge=0)
    """Hours between two cleanings of the store (a Temporal Schedule, ``pertitle-janitor``): open uploads of dead runs,
    and objects that nothing speaks of while no title runs; 0 for none. For the ``orchestrate`` worker."""
    janitor_older_than_h: float = Field(default=168.0, ge=0)
    """Hours that such things stay. For the ``orchestrate`` worker."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Loopback port of the Prometheus endpoint; 0 switches it off."""
    report_base_url: str = ""
    """Address of the portal, ``http://host:port``, for links to reports in the Temporal UI; empty for no links."""
    temporal_ui_url: str = ""
    """Address of the Temporal UI, ``http://host:port``: its pages may ask the portal to open sealed payloads."""
    heartbeat_timeout_s: float = Field(default=60.0, ge=6)
    """Seconds without a sign of life after which a step counts as lost and is given out again; for a unit of a shot a
    third of that at least, longer for long ones. A title keeps the value it was begun with."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least important level of log lines that are written."""
    graceful_shutdown_s: float = Field(default=30.0, ge=0)
    """Seconds that running activities get to end after SIGTERM, before they are canceled."""
    sandbox: Literal["require", "prefer", "off"] = "prefer"
    """What to do where programs that read untrusted media cannot be put into a bubblewrap sandbox: ``require`` refuses
    to start, ``prefer`` says so loudly and goes on with limits alone; ``off`` never uses it."""


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Returns the settings of this process, or those that the given variables describe.

    Raises:
        pydantic.ValidationError: if a variable does not hold what its field expects.
    """
    if environment is None:
        return Settings()
    names = Settings.model_fields
    given = {name: environment[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environment}
    return Settings.model_validate({**{name: _default_of(name) for name in names}, **given})


def read_variable(name: str) -> str | None:
    """Returns an environment variable that belongs to a standard and not to us (``TEMPORAL_ADDRESS``), or ``None``."""
    return os.environ.get(name) or None


def settings_table() -> str:
    """Returns the Markdown table of docs/settings.md."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{PREFIX}{name.upper()}` | {_shown_default(name)} | {_described(field)} |")
    return "\n".join(rows) + "\n"


def _described(field: FieldInfo) -> str:
    return " ".join((field.description or "").replace("``", "`").split())


def _default_of(name: str) -> object:
    return Settings.model_fields[name].get_default(call_default_factory=True, validated_data={})


def _shown_default(name: str) -> str:
    field = Settings.model_fields[name]
    if field.default_factory is not None:
        return "see text"
    return "none" if field.default in {None, ""} else f"`{field.default}`"

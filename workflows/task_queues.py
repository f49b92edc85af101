"""The names of the task queues, once."""

from domain.work import UnitKind

ORCHESTRATE = "orchestrate"
"""Workflows and light decisions."""
IO = "io"
"""Whatever reads or writes whole titles: inspect, split, assemble, package, publish."""
ENCODE_CPU = "encode-cpu"
"""Encodes on processors."""
MEASURE = "measure"
"""Full-rate scores."""

QUEUE_OF = {
    UnitKind.TONE_MAP: ENCODE_CPU,
    UnitKind.TRIAL: ENCODE_CPU,
    UnitKind.SEARCH: ENCODE_CPU,
    UnitKind.ENCODE: ENCODE_CPU,
    UnitKind.BASELINE: ENCODE_CPU,
    UnitKind.MEASURE: MEASURE,
    UnitKind.ASSEMBLE: IO,
}
"""The queue of each kind of unit."""

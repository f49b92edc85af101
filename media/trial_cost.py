"""What a trial process spent its CPU seconds on, told by the names of ffmpeg's threads.

Seen with ffmpeg 9.0.2: ``dec0:0:h264`` and ``av:h264:df0`` or ``dav1d-worker`` decode, ``fc0`` is the graph in front of
the encoders, ``fc1`` the one behind them. Encoders and libvmaf start threads of their own, which keep the name
of the thread that started them: x265 is opened by the first graph, libvmaf by the second. So the oldest ``fc`` thread
of each graph is the graph itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.cpu import CpuSplit
from media.process import ToolRun
from media.thread_cpu import ThreadCpu


@dataclass(frozen=True, slots=True)
class TrialCost:
    """The CPU seconds of one trial process."""

    split: CpuSplit
    """All that the process used."""
    encode_s: tuple[float, ...]
    """The encoder's own part, for each encode; adds up to ``split.encode_s``."""

    def share_of(self, number: int) -> CpuSplit:
        """Returns what one encode stands for: its own encoding, and an equal share of everything else."""
        share = self.split.times(1 / len(self.encode_s))
        return share.model_copy(update={"encode_s": self.encode_s[number]})


def trial_cost(run: ToolRun, encodes: int) -> TrialCost:
    """Returns what the threads of a trial process did; what was not seen of them counts as ``other``."""
    first = _oldest(run.threads, "fc0")
    second = _oldest(run.threads, "fc1")
    own = [_seconds(run.threads, f"enc{number}:") for number in range(encodes)]
    behind = [thread for thread in run.threads if thread.name.startswith("fc0") and thread is not first]
    pool_s = sum(thread.cpu_s for thread in behind)
    encode = tuple(seconds + pool_s * (seconds / sum(own) if sum(own) else 1 / encodes) for seconds in own)
    metric_s = sum(thread.cpu_s for thread in run.threads if thread.name.startswith("fc1") and thread is not second)
    decode_s = sum(thread.cpu_s for thread in run.threads if thread.name.startswith(("dec", "av:", "dav1d", "dmx")))
    scale_s = sum(thread.cpu_s for thread in (first, second) if thread is not None)
    seen_s = decode_s + scale_s + metric_s + sum(encode)
    # Two clocks: the sum by thread may exceed the process's own by a tick.
    return TrialCost(
        CpuSplit(
            decode_s=decode_s,
            scale_s=scale_s,
            encode_s=sum(encode),
            metric_s=metric_s,
            other_s=max(0.0, run.cpu_s - seen_s),
        ),
        encode,
    )


def _oldest(threads: Sequence[ThreadCpu], name: str) -> ThreadCpu | None:
    return next((thread for thread in threads if thread.name == name), None)


def _seconds(threads: Sequence[ThreadCpu], prefix: str) -> float:
    return sum(thread.cpu_s for thread in threads if thread.name.startswith(prefix))

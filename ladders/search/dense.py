"""The dense design: four CRFs at every size, which no shot can fool."""

from domain.search import SearchTask, TrialAsk

CRFS_PER_SIZE = 4
"""Four that span the range lose 0.4 to 0.7 % (science report §2.1); three 2 %, four that end too early 8 %."""


def dense_design(task: SearchTask) -> tuple[TrialAsk, ...]:
    """Returns the trials of the dense design: every size at four CRFs, evenly spread over the encoder's range."""
    return tuple(TrialAsk(resolution=size, crf=crf) for size in task.sizes for crf in spread_crfs(task, CRFS_PER_SIZE))


def spread_crfs(task: SearchTask, count: int) -> tuple[float, ...]:
    """Returns CRFs that span the task's range evenly, both ends among them, rising, on the encoder's steps."""
    step = (task.highest_crf - task.lowest_crf) / (count - 1)
    return tuple(dict.fromkeys(on_step(task, task.lowest_crf + step * number) for number in range(count)))


def on_step(task: SearchTask, crf: float) -> float:
    """Returns the nearest CRF that the encoder takes, inside the task's range; steps count from the lowest CRF."""
    rounded = task.lowest_crf + round((crf - task.lowest_crf) / task.crf_step) * task.crf_step
    return min(max(rounded, task.lowest_crf), task.highest_crf)

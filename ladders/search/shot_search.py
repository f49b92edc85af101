"""The search of one shot: ask, be told, ask again, and know when it is enough."""

import itertools
from collections.abc import Sequence

import numpy as np

from domain.search import Crossover, SearchStep, SearchTask, SeenTrial, StopReason, TitlePrior, TrialAsk
from domain.video import Resolution
from ladders.search.dense import dense_design, on_step
from ladders.search.regret import Outlook, choose_trials, look_out
from ladders.search.surface import Surface
from ladders.search.waves import WARM_FROM

TRIALS_PER_ROUND = 4
"""Trials that share a process after the seeds: each round pays for a start and a decode."""
CERTIFIED_WITHIN_VMAF = 5.0
"""A crossover is certified when both sizes were measured at most so far from it (or at the end of their range)."""
COVERED_WITHIN_VMAF = 10.0
"""No claimed quality lies farther from a trial of its size when a search ends by regret."""
KNEE_LOG_RATE_PER_VMAF = 0.15
"""Slope between two trials of a size from which on the shot breaks the model (grain that is kept or dropped)."""
SURPRISE = 5.0
"""Standard deviations of a single trial from all others that break the model."""
SEED_PARTS = ((0.15, 0.3), (0.6, 0.4))
"""Places of the two seeds of the largest and the smallest size in the CRF range (0 to 1): for the largest, and added
for the smallest. A size between has one seed, in the middle of what these two give for it, or none."""
WARM_SEED_PART = 0.3
"""Place of the one seed of the largest size where finished shots of the title tell how its curve goes on."""
ENCLOSED_WITHIN_VMAF = 4.0
"""A trial so near to the lower end of the window encloses it: so far a curve may follow the model."""
REACHED_WITHIN_VMAF = 2.0
"""A trial so near to the upper end encloses that: there most bits go, and curves are steep."""
TOP_WITHIN_VMAF = 2.0
"""A smaller size whose model comes so near to the best that was seen may reach higher."""
CONTENDS_WITHIN = 0.06
"""A size within 6 % of the best may be the best."""
MAY_BE_BEST_WITHIN = 0.6
"""A size that breaks the model may be so much cheaper than foretold."""


def next_step(task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> SearchStep:
    """Returns the next trials, to be made together, or the end.

    A function of its arguments alone: the same task, trials and prior give the same step, byte for byte. (The CPU
    seconds of the trials count only where the task has a budget of them.)

    Args:
        task: where to search, and when it is enough.
        seen: all trials of this shot so far, in the order in which they were asked for.
        prior: finished shots of the same title; empty for a cold shot.
    """
    if not seen:
        return SearchStep(trials=_seeds(task, prior), why="seeds: the larger the size, the lower the CRFs")
    surface = Surface(task, seen, prior)
    outlook = look_out(task, surface)
    is_dense = _breaks_model(task, seen, surface)
    if is_dense:
        task = _with_more(task)
    step = _step(task, seen, outlook, _missing(task, seen, surface, outlook) if is_dense else ())
    return step.model_copy(update={"regret": outlook.mean_regret, "dense": is_dense})


def _step(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook, missing: tuple[TrialAsk, ...]) -> SearchStep:
    regret, ends = outlook.mean_regret, _unbracketed(task, seen, outlook)
    is_calm = not missing and not ends
    asks = _uncertified(task, seen, outlook) if is_calm and regret <= task.stop_regret else ()
    is_done = is_calm and regret <= task.stop_regret and not asks
    room = _room(task, len(seen), outlook, is_calm=is_calm)
    if stop := StopReason.REGRET if is_done else _forced_stop(task, seen, regret, room):
        return _ended(task, len(seen), regret, stop)
    if ends and not missing:
        # Each round pays for a start and a decode: what would be asked for next goes along.
        left = 0 if _is_not_worth(task, seen, outlook) else min(TRIALS_PER_ROUND, room) - len(ends[:room])
        more = choose_trials(task, seen, outlook, left, asked=ends[:room])
        return SearchStep(trials=(*ends[:room], *more), why="the ends of the window want to be enclosed")
    for wanted, why in (
        (missing[:TRIALS_PER_ROUND], "the shot breaks the model: dense design"),
        (asks, "crossovers want to be certified"),
    ):
        if wanted:
            return SearchStep(trials=wanted[:room], why=why)
    if _is_not_worth(task, seen, outlook):
        return _ended(task, len(seen), regret, StopReason.NOT_WORTH)
    if chosen := choose_trials(task, seen, outlook, min(TRIALS_PER_ROUND, room)):
        return SearchStep(trials=chosen, why=f"expected loss {100 * regret:.2f} %")
    return _ended(task, len(seen), regret, StopReason.EXHAUSTED)


def crossovers(task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> tuple[Crossover, ...]:
    """Returns where the best size changes, in falling quality."""
    return _crossovers(task, seen, look_out(task, Surface(task, seen, prior))) if seen else ()


def _seeds(task: SearchTask, prior: TitlePrior) -> tuple[TrialAsk, ...]:
    """Returns the first trials: larger sizes at lower CRFs, so that all together span the range.

    Few, for what comes after them is chosen by what they tell. A warm start asks only the largest and the smallest
    size: where the shot stands, the title's shots tell the rest. The largest, whose trials are dear, it asks once
    (decision 0045). A shot alone, which has no others to teach, asks both of them twice (decision 0044).
    """
    last = max(1, len(task.sizes) - 1)
    is_warm = len(prior.shots) >= WARM_FROM
    asks = []
    for row, size in enumerate(task.sizes):
        places = [start + spread * row / last for start, spread in SEED_PARTS]
        if 0 < row < last:
            places = [] if task.is_alone or is_warm else [sum(places) / len(places)]
        elif row == 0 and is_warm and len(task.sizes) > 1:
            places = [WARM_SEED_PART]
        crfs = (task.lowest_crf + (task.highest_crf - task.lowest_crf) * place for place in places)
        asks += [TrialAsk(resolution=size, crf=on_step(task, crf)) for crf in crfs]
    asks = list(dict.fromkeys(asks))
    if len(asks) <= task.max_trials:
        return tuple(asks)
    # The first is the largest size at its lowest CRF, the last the smallest at its highest: both ends stay.
    kept = np.linspace(0, len(asks) - 1, task.max_trials).round().astype(int)
    return tuple(asks[place] for place in kept)


def _breaks_model(task: SearchTask, seen: Sequence[SeenTrial], surface: Surface) -> bool:
    """Returns whether the trials show a shot that the model does not fit: a knee, or a trial far off all others."""
    for size in task.sizes:
        own = sorted((trial for trial in seen if trial.resolution == size), key=lambda trial: trial.crf)
        for better, worse in itertools.pairwise(own):
            fall = better.vmaf - worse.vmaf
            steep = np.log(better.bitrate_bps / worse.bitrate_bps) > KNEE_LOG_RATE_PER_VMAF * max(fall, 1.0)
            if steep and task.floor_vmaf < worse.vmaf < task.top_vmaf - 10 and better.vmaf < task.top_vmaf:
                return True
    return bool(np.max(np.abs(surface.surprises)) > SURPRISE) if len(seen) > 3 else False


def _open_ends(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> list[TrialAsk]:
    """Returns the last CRF of the size that ends inside the window nearest to the best, and was not tried there.

    Where all sizes are better than the whole window (a black shot, a still), the cheapest end is all there is to find,
    and those trials cost next to nothing.
    """
    best = outlook.log_rates.min(axis=0)
    if not np.isfinite(best).any() and min(trial.vmaf for trial in seen) > task.top_vmaf:
        ends = (TrialAsk(resolution=size, crf=task.highest_crf) for size in reversed(task.sizes))
        return [ask for ask in ends if not any((t.resolution, t.crf) == (ask.resolution, ask.crf) for t in seen)]
    asks: list[tuple[float, TrialAsk]] = []
    for row, size in enumerate(task.sizes):
        reached = np.flatnonzero(np.isfinite(outlook.log_rates[row]))
        ask = TrialAsk(resolution=size, crf=task.highest_crf)
        if reached.size == 0 or reached[0] == 0 or any((t.resolution, t.crf) == (size, ask.crf) for t in seen):
            continue
        excess = float(outlook.log_rates[row, reached[0]] - best[reached[0]])
        if excess < CONTENDS_WITHIN:
            asks.append((excess, ask))
    # One at a time: each tells of the others.
    return [min(asks, key=lambda item: item[0])[1]] if asks else []


def _unbracketed(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> tuple[TrialAsk, ...]:
    """Returns trials at the ends of the window, and of the sizes in it, that nothing encloses yet.

    Where an encoder's last CRF still looks good, a size ends inside the window, and often it is the best one just
    there. When all of them are enclosed, a smaller size may still reach higher than the largest.
    """
    asks = _open_ends(task, seen, outlook)
    for row, edge, is_open in (
        (0, -1, max(trial.vmaf for trial in seen) < task.top_vmaf - REACHED_WITHIN_VMAF),
        (len(task.sizes) - 1, 0, min(trial.vmaf for trial in seen) > task.floor_vmaf + ENCLOSED_WITHIN_VMAF),
    ):
        size = task.sizes[row]
        own = [trial.crf for trial in seen if trial.resolution == size]
        end = task.lowest_crf if edge else task.highest_crf
        if not is_open or end in own:
            continue
        foretold = float(outlook.crfs[row, edge])
        crf = on_step(task, foretold if np.isfinite(foretold) else end)
        # Beyond all trials of the size, or the edge would stay open.
        beyond = min([*own, end + 4]) - 2 if edge else max([*own, end - 4]) + 2
        asks.append(TrialAsk(resolution=size, crf=on_step(task, min(crf, beyond) if edge else max(crf, beyond))))
    return tuple(dict.fromkeys(asks)) or _best_of_tops(task, seen, outlook)


def _best_of_tops(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> tuple[TrialAsk, ...]:
    """Returns the lowest CRF of the next smaller size, as long as that gave more quality each time.

    Where the largest size does not reach the window's upper end, a soft picture, a smaller one may come nearer to it:
    if its model says so, for such a trial is dear (decision 0049).
    """
    highest = max(trial.vmaf for trial in seen)
    if highest >= task.top_vmaf - REACHED_WITHIN_VMAF:
        return ()
    tops = {trial.resolution: trial.vmaf for trial in seen if trial.crf <= task.lowest_crf}
    best = 0.0
    for row, size in enumerate(task.sizes):
        if size not in tops:
            foretold = float(np.max(outlook.vmafs, where=np.isfinite(outlook.log_rates[row]), initial=0.0))
            able = best > 0 and min(task.ceilings[row], foretold + TOP_WITHIN_VMAF) > highest
            return (TrialAsk(resolution=size, crf=task.lowest_crf),) if able else ()
        if tops[size] < best:
            return ()
        best = tops[size]
    return ()


def _missing(task: SearchTask, seen: Sequence[SeenTrial], surface: Surface, outlook: Outlook) -> tuple[TrialAsk, ...]:
    """Returns what the dense design lacks: trials that have none close by and may lie near the hull, nearest first."""
    best = outlook.log_rates.min(axis=0)
    reached = np.isfinite(best)
    if not reached.any():
        return ()
    curves = {size: surface.curve(row) for row, size in enumerate(task.sizes)}
    asks: list[tuple[float, TrialAsk]] = []
    for ask in dense_design(task):
        if any(trial.resolution == ask.resolution and abs(trial.crf - ask.crf) <= 3 for trial in seen):
            continue
        curve = curves[ask.resolution]
        vmaf, log_rate = (float(np.interp(-ask.crf, -curve.crfs, values)) for values in (curve.vmafs, curve.log_rates))
        excess = log_rate - float(np.interp(vmaf, outlook.vmafs[reached], best[reached]))
        if task.floor_vmaf < vmaf < task.top_vmaf and excess < MAY_BE_BEST_WITHIN:
            asks.append((excess, ask))
    return tuple(ask for _, ask in sorted(asks, key=lambda item: item[0]))


def _with_more(task: SearchTask) -> SearchTask:
    more = task.more_if_dense
    patience = tuple(step._replace(trials=step.trials + more) for step in task.patience)
    return task.model_copy(update={"max_trials": task.max_trials + more, "patience": patience})


def _room(task: SearchTask, made: int, outlook: Outlook, *, is_calm: bool) -> int:
    """Returns how many trials a search may still make, if its expected loss stays as it is (decision 0050).

    Only a calm one, where nothing is missing and no end is open, ends before the last step of its patience. Where no
    size reaches the window nothing is known of the loss.
    """
    is_known = bool((outlook.best >= 0).any())
    steps = task.patience[0 if is_calm else -1 :] if is_known else ()
    enough = (max(step.trials, made) for step in steps if outlook.mean_regret <= step.regret)
    return min((task.max_trials, *enough)) - made


def _forced_stop(task: SearchTask, seen: Sequence[SeenTrial], regret: float, room: int) -> StopReason | None:
    if room <= 0:
        is_enough = any(step.trials <= len(seen) and regret <= step.regret for step in task.patience)
        return StopReason.PATIENCE if is_enough else StopReason.MAX_TRIALS
    if task.cpu_budget_s is not None and sum(trial.cpu_s for trial in seen) >= task.cpu_budget_s:
        return StopReason.BUDGET
    return None


def _uncertified(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> tuple[TrialAsk, ...]:
    """Returns the trials that claimed crossovers, and claimed qualities far from any trial, still lack."""
    known = {(trial.resolution, trial.crf) for trial in seen}
    asks: list[TrialAsk] = []
    for crossover in _crossovers(task, seen, outlook):
        column = int(np.argmin(np.abs(outlook.vmafs - crossover.vmaf)))
        for size in (crossover.smaller, crossover.larger):
            row = task.sizes.index(size)
            if not _is_measured_near(task, seen, size, crossover.vmaf) and np.isfinite(outlook.log_rates[row, column]):
                asks.append(TrialAsk(resolution=size, crf=on_step(task, float(outlook.crfs[row, column]))))
    asks += _uncovered(task, seen, outlook)
    return tuple(dict.fromkeys(ask for ask in asks if (ask.resolution, ask.crf) not in known))


def _uncovered(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> list[TrialAsk]:
    """Returns for each claimed size a trial at the claimed quality that is farthest from its trials, if it is far.

    Regret compares sizes; a size that wins everywhere could stand on two trials, and its curve on what others tell.
    """
    asks = []
    for row, size in enumerate(task.sizes):
        claimed = np.flatnonzero(outlook.best == row)
        own = np.asarray([trial.vmaf for trial in seen if trial.resolution == size], dtype=np.float64)
        if not claimed.size:
            continue
        vmafs = outlook.vmafs[claimed]
        gaps = np.min(np.abs(vmafs[:, None] - own), axis=1) if own.size else np.full(len(vmafs), np.inf)
        worst = int(np.argmax(gaps))
        if gaps[worst] > COVERED_WITHIN_VMAF:
            asks.append(TrialAsk(resolution=size, crf=on_step(task, float(outlook.crfs[row, claimed[worst]]))))
    return asks


def _crossovers(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> tuple[Crossover, ...]:
    found = []
    reached = np.flatnonzero(outlook.best >= 0)
    for lower, upper in itertools.pairwise(reached):
        below, above = int(outlook.best[lower]), int(outlook.best[upper])
        if below != above:
            vmaf = float(outlook.vmafs[lower] + outlook.vmafs[upper]) / 2
            sizes = sorted((task.sizes[below], task.sizes[above]), key=lambda size: size.pixels)
            certified = all(_is_measured_near(task, seen, size, vmaf) for size in sizes)
            found.append(Crossover(smaller=sizes[0], larger=sizes[1], vmaf=vmaf, certified=certified))
    return tuple(reversed(found))


def _is_measured_near(task: SearchTask, seen: Sequence[SeenTrial], size: Resolution, vmaf: float) -> bool:
    """A size was measured near a quality: within the limit, or at its last CRF above it."""
    own = [trial for trial in seen if trial.resolution == size]
    at_end = any(trial.crf >= task.highest_crf and trial.vmaf > vmaf - CERTIFIED_WITHIN_VMAF for trial in own)
    return at_end or any(abs(trial.vmaf - vmaf) <= CERTIFIED_WITHIN_VMAF for trial in own)


def _is_not_worth(task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook) -> bool:
    """Returns whether all that is left to save is worth less than a trial costs."""
    if task.min_saved_bits_per_cpu_s <= 0 or not seen:
        return False
    reached = outlook.best >= 0
    rate_bps = float(np.exp(np.mean(outlook.log_rates.min(axis=0)[reached]))) if reached.any() else 0.0
    saved_bits = outlook.mean_regret * rate_bps * task.delivered_s
    cost_s = sum(trial.cpu_s for trial in seen) / len(seen)
    return saved_bits < task.min_saved_bits_per_cpu_s * cost_s


def _ended(task: SearchTask, made: int, regret: float, stop: StopReason) -> SearchStep:
    return SearchStep(stop=stop, why=_explained(stop, task, made, regret))


def _explained(stop: StopReason, task: SearchTask, made: int, regret: float) -> str:
    left = f"expected loss {100 * regret:.2f} %"
    return {
        StopReason.REGRET: f"{left}, below {100 * task.stop_regret:.2f} %",
        StopReason.PATIENCE: f"{left}, enough after {made} trials",
        StopReason.MAX_TRIALS: f"{made} trials made; {left}",
        StopReason.BUDGET: f"the CPU budget of {task.cpu_budget_s or 0:.0f} s is spent; {left}",
        StopReason.NOT_WORTH: f"another trial would cost more than it saves; {left}",
        StopReason.EXHAUSTED: f"nothing useful is left to try; {left}",
    }[stop]

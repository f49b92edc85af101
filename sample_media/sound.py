"""Music-like tones: a plucked tune over two held notes, different in each language, never silent."""

_TUNES = {"eng": (220.0, 3.0, (0, 4, 7, 12, 11, 7, 4, 2)), "fra": (196.0, 2.25, (0, 3, 7, 10, 12, 7, 5, 3))}
"""Language → (key in Hz, notes per second, tune in semitones)."""
SAMPLE_RATE_HZ = 48_000


def tones(language: str, duration_s: float) -> str:
    """Returns an lavfi source of one stereo track.

    Args:
        language: ``eng`` or ``fra``.
        duration_s: Length in seconds.
    """
    key_hz, pace, tune = _TUNES[language]
    step = "0"
    for index, semitones in reversed(list(enumerate(tune))):
        step = f"if(eq(mod(floor(t*{pace}),{len(tune)}),{index}),{semitones},{step})"
    pitch = f"{key_hz}*pow(2,({step})/12)"
    # Each pluck starts at zero and dies away before the next, so the change of pitch makes no click.
    pluck = f"sin(2*PI*{pitch}*mod(t,{1 / pace}))*exp(-5*mod(t*{pace},1))*(1-exp(-200*mod(t,{1 / pace})))"
    left = f"0.30*{pluck}+0.05*sin(2*PI*{key_hz / 2}*t)"
    right = f"0.22*{pluck}+0.05*sin(2*PI*{key_hz * 0.75}*t)"
    return f"aevalsrc=exprs='{left}|{right}':s={SAMPLE_RATE_HZ}:d={duration_s:.6f}:c=stereo"

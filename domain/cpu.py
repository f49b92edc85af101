"""Where the CPU seconds of a trial go: the bill that the search is judged by."""

from pydantic import Field

from domain.values import Value


class CpuSplit(Value):
    """User and system seconds by what they were spent on; together all that a process used."""

    decode_s: float = Field(default=0.0, ge=0)
    """Decoding the reference and the encodes."""
    scale_s: float = Field(default=0.0, ge=0)
    """Scaling and converting pictures, down for the encoder and up for the comparison."""
    encode_s: float = Field(default=0.0, ge=0)
    metric_s: float = Field(default=0.0, ge=0)
    other_s: float = Field(default=0.0, ge=0)
    """Process start, files, and what ended unseen."""

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.decode_s + self.scale_s + self.encode_s + self.metric_s + self.other_s

    def plus(self, other: "CpuSplit") -> "CpuSplit":
        """Returns the sum."""
        return CpuSplit(
            decode_s=self.decode_s + other.decode_s,
            scale_s=self.scale_s + other.scale_s,
            encode_s=self.encode_s + other.encode_s,
            metric_s=self.metric_s + other.metric_s,
            other_s=self.other_s + other.other_s,
        )

    def times(self, factor: float) -> "CpuSplit":
        """Returns every part times a factor."""
        return CpuSplit(
            decode_s=self.decode_s * factor,
            scale_s=self.scale_s * factor,
            encode_s=self.encode_s * factor,
            metric_s=self.metric_s * factor,
            other_s=self.other_s * factor,
        )

"""What is recorded of every play: enough to say afterwards where the time went.

All times are seconds since the play began, by the engine's clock.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Work(_Record):
    """Tokens [start, stop) of one request's prompt, computed in one step."""

    prompt: str
    start: int
    stop: int


class Step(_Record):
    """One engine step that computed something.

    Attributes:
        predicted: What the engine's own cost model expected, in seconds; None while it does not know.
    """

    began: float
    ended: float
    prefill: tuple[Work, ...]
    decoding: int
    predicted: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Goal(_Record):
    """What a plan aimed at, at one moment.

    Attributes:
        at: Token below which everything was there or being computed.
        meeting: Chunk at which compute was to stop.
        floor: Lowest chunk worth loading.
    """

    time: float
    at: int
    meeting: int
    floor: int


class Split(_Record):
    """What became of one plan.

    Attributes:
        chunks: Of the stored prefix.
        chunk_tokens: Tokens of one chunk.
        predicted: Meeting point expected at the start, as a fraction of the prefix; None without an estimate.
        computed: Chunks filled by compute.
        loaded: Chunks filled by loads.
        duplicated: Computed chunks that were read, or being read, as well.
        lost: Chunks that could not be read.
        stalled: Seconds in which the request could do nothing but wait.
        goals: Its aims, where they changed.
    """

    chunks: int
    chunk_tokens: int
    predicted: float | None
    computed: int
    loaded: int
    duplicated: int
    lost: int
    stalled: float
    goals: tuple[Goal, ...] = ()

    @property
    def actual(self) -> float:
        """Where compute and loads met, as a fraction of the prefix."""
        return self.computed / self.chunks

    @property
    def predicted_error_tokens(self) -> float | None:
        """By how many tokens the meeting point was predicted wrong."""
        return None if self.predicted is None else abs(self.predicted - self.actual) * self.chunks * self.chunk_tokens


class Answer(_Record):
    """One request: when its tokens came, and which.

    Attributes:
        measured: Whether its time to the first token counts; the others are background.
        times: When each token came.
    """

    prompt: str
    measured: bool
    arrived: float
    tokens: tuple[int, ...]
    times: tuple[float, ...]
    split: Split | None = None

    @property
    def ttft(self) -> float:
        """Seconds from arrival to the first token."""
        return self.times[0] - self.arrived


class Read(_Record):
    """Reads that a tier reported: bytes, and when."""

    time: float
    bytes: int


class Play(_Record):
    """One contender's play of one cell.

    Attributes:
        bandwidth: The tier's cap, in bytes per second; None for none.
        asked: When the first read was asked for; None without any.
        rate: What the tier says that it serves, in bytes per second, at the end; None before it has served.
    """

    turn: str
    cell: str
    contender: str
    round: int
    bandwidth: float | None
    answers: tuple[Answer, ...]
    steps: tuple[Step, ...]
    reads: tuple[Read, ...] = ()
    asked: float | None = None
    rate: float | None = None

    @property
    def measured(self) -> list[Answer]:
        """The requests whose time to the first token counts."""
        return [answer for answer in self.answers if answer.measured]

    @property
    def ttft(self) -> float:
        """Mean seconds to the first token."""
        return sum(answer.ttft for answer in self.measured) / len(self.measured)


class Reference(_Record):
    """What plain compute answered.

    Attributes:
        margins: For each token, by how many nats it was ahead of the next best one.
    """

    prompt: str
    tokens: tuple[int, ...]
    margins: tuple[float, ...]


class Scale(_Record):
    """What one length costs here: measured before its first cell, so that caps can be set by it.

    Attributes:
        compute: Seconds to compute the stored prefix.
        last_step: Seconds of the short step after it, which every mode has.
        chunk_bytes: Of one chunk as the cap counts it.
        chunk_tokens: Tokens of one chunk.
        uncapped: Bytes per second that the tier serves without a cap.
    """

    tokens: int
    compute: float
    last_step: float
    chunk_bytes: int
    chunk_tokens: int
    uncapped: float

    def bandwidth(self, ratio: float) -> float:
        """The cap at which loading the prefix takes `ratio` times as long as computing it, in bytes per second."""
        return self.tokens / self.chunk_tokens * self.chunk_bytes / (ratio * self.compute)

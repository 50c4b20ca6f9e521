"""The contract between operator and engine: the static and the live configuration file.

The operator renders these models into ConfigMaps, the engine reads them, and a person may write them by hand.
Names in files are camelCase, unknown fields are errors, and every value carries its unit in its name or its docstring.
"""

from __future__ import annotations

import difflib
import itertools
import posixpath
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from cake_engine.codec_names import MEASURED_QUALITY, CodecName, measured

__all__ = [
    "MAX_TIERS",
    "MEASURED_QUALITY",
    "BytesPerSecond",
    "CodecName",
    "ConfigError",
    "Fraction",
    "Knobs",
    "LiveConfig",
    "Mode",
    "ModelIdentity",
    "StaticConfig",
    "TierConfig",
    "TierKind",
    "TierName",
    "measured",
    "parse",
    "read_static",
]

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
BytesPerSecond = Annotated[float, Field(gt=0, allow_inf_nan=False)]
TierName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]

MAX_TIERS = 8
WRITE_REST = 8.0


class ConfigError(ValueError):
    """A configuration file that cannot be used; its text is one sentence for the person who wrote the file."""


class Mode(StrEnum):
    """How a stored prefix is brought back."""

    ADAPTIVE = "Adaptive"
    """Compute from the front, load from the back, in the proportion that the cost model expects to end soonest."""
    COMPUTE_ONLY = "ComputeOnly"
    """Load nothing; what is computed is still stored."""
    LOAD_ONLY = "LoadOnly"
    """Load all that is stored; compute only what is not."""
    STATIC = "Static"
    """Compute up to the given meeting point, load the rest."""


class TierKind(StrEnum):
    """What holds the blocks of a tier."""

    MEMORY = "Memory"
    FILE_SYSTEM = "FileSystem"


class _Document(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    def to_json(self) -> str:
        """The text of the file: camelCase names, stable order, a final newline."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


class ModelIdentity(_Document):
    """Whose KV blocks these are; both parts are in every key of the store."""

    name: str = Field(min_length=1)
    revision: str | None = None


class TierConfig(_Document):
    """One place where blocks are kept.

    Attributes:
        path: Folder of a FileSystem tier; null for Memory.
        capacity_bytes: What the tier may hold, at most.
        ttl_seconds: Age since last use after which a block leaves; null keeps it while there is room.
        quality_floor: With a lossy codec, the least share of next tokens that must stay what they are with exact
            blocks, in the published measurement; null with an exact one.
    """

    name: TierName
    kind: TierKind
    path: str | None = None
    capacity_bytes: int = Field(gt=0)
    ttl_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    codec: CodecName = CodecName.RAW
    quality_floor: Fraction | None = Field(default=None, exclude_if=lambda floor: floor is None)

    @model_validator(mode="after")
    def _path_belongs_to_files(self) -> Self:
        if self.kind is TierKind.FILE_SYSTEM and not (self.path and self.path.startswith("/")):
            raise ValueError(f'tier "{self.name}" is a FileSystem: give it "path", an absolute folder')
        if self.kind is TierKind.MEMORY and self.path is not None:
            raise ValueError(f'tier "{self.name}" is Memory and has no folder: remove "path"')
        if self.kind is TierKind.MEMORY and self.codec is not CodecName.RAW:
            raise ValueError(f'tier "{self.name}" is Memory and keeps blocks as they are: remove "codec"')
        return self

    @model_validator(mode="after")
    def _lossy_codecs_are_asked_for(self) -> Self:
        if self.codec.exact:
            if self.quality_floor is not None:
                raise ValueError(f'tier "{self.name}" has the exact codec {self.codec}: remove "qualityFloor"')
            return self
        quality = MEASURED_QUALITY[self.codec]
        if self.quality_floor is None:
            raise ValueError(
                f'tier "{self.name}": the codec {self.codec} changes numbers, and a token now and then: write '
                f'"qualityFloor", the least share of next tokens that must stay the same (at most {quality}), '
                "or take Zstd, which is exact"
            )
        if self.quality_floor > quality:
            raise ValueError(
                f'tier "{self.name}": {measured(self.codec)}: lower "qualityFloor" to that, or take another codec'
            )
        return self


class StaticConfig(_Document):
    """What an engine is started with; a change of it restarts the engine.

    Attributes:
        tiers: Fast to slow: one Memory tier, then FileSystem tiers.
        live_config: File of the live configuration; null keeps `LiveConfig`'s defaults for the life of the engine.
        chunk_tokens: Tokens of one stored block; null leaves it to the engine (its KV block size).
        salt_file: File with the salt of the tenant whose blocks these are; null keeps them where all engines without a
            tenant find them.
        encryption_key_file: File with the secret by which blocks on FileSystem tiers are encrypted; null keeps them as
            they are.
    """

    version: Literal[1] = 1
    model: ModelIdentity
    tiers: tuple[TierConfig, ...]
    live_config: str | None = None
    chunk_tokens: int | None = Field(default=None, gt=0)
    # Without them the text is what it was before there were any: another one would roll the pods.
    salt_file: str | None = Field(default=None, exclude_if=lambda file: file is None)
    encryption_key_file: str | None = Field(default=None, exclude_if=lambda file: file is None)

    @field_validator("tiers")
    @classmethod
    def _one_memory_first(cls, tiers: tuple[TierConfig, ...]) -> tuple[TierConfig, ...]:
        if not 1 <= len(tiers) <= MAX_TIERS:
            raise ValueError(f"list 1 to {MAX_TIERS} tiers, not {len(tiers)}")
        if tiers[0].kind is not TierKind.MEMORY or any(t.kind is TierKind.MEMORY for t in tiers[1:]):
            raise ValueError("list exactly one tier of kind Memory, and list it first")
        names = [t.name for t in tiers]
        if twice := next((n for n in names if names.count(n) > 1), None):
            raise ValueError(f'two tiers are called "{twice}": give each its own name')
        folders = [posixpath.normpath(t.path) for t in tiers if t.path is not None]
        for outer, inner in itertools.permutations(folders, 2):
            if posixpath.commonpath([outer, inner]) == outer:
                raise ValueError(f'two tiers use the folder "{inner}": give each its own, and none inside another')
        return tiers

    @property
    def memory(self) -> TierConfig:
        """The first tier, in CPU memory, through which all others are read and written."""
        return self.tiers[0]

    @property
    def file_systems(self) -> tuple[TierConfig, ...]:
        """The tiers below memory, fast to slow."""
        return self.tiers[1:]


class Knobs(_Document):
    """What the tuner turns while the engine serves.

    Attributes:
        prefetch_share: Share of CPU memory that loads for waiting requests may hold.
        load_bandwidth_bytes_per_second: Cap by tier name; a tier that is not named is not capped.
        write_bandwidth_bytes_per_second: Cap by tier name; a tier that is not named is not capped.
        prefix_token_share: Share of a step's token budget that compute of stored prefixes may take.
        minimum_load_tokens: Stored prefixes shorter than this are computed.
        retain_from: Fraction of a prefix below which blocks are evicted first: heads that are always recomputed need
            no storage.
        write_rest: Seconds that a tier's writers rest for each second that a write took longer than on a quiet volume
            (`cake_engine.core.yielding`); 0 has writes give way to nobody.
    """

    prefetch_share: Fraction = 0.5
    load_bandwidth_bytes_per_second: dict[TierName, BytesPerSecond] = Field(default_factory=dict)
    write_bandwidth_bytes_per_second: dict[TierName, BytesPerSecond] = Field(default_factory=dict)
    prefix_token_share: Fraction = 1.0
    minimum_load_tokens: int = Field(default=256, ge=0)
    retain_from: Fraction = 0.0
    # An engine of before does not know the name, and would refuse the file.
    write_rest: float = Field(default=WRITE_REST, ge=0, le=64, exclude_if=lambda rest: rest == WRITE_REST)


class LiveConfig(Knobs):
    """The knobs and the mode, as one published generation.

    Attributes:
        generation: Raised by the writer with every change; the engine exports the one that it has applied.
        static_meeting_point: Fraction of the stored prefix that is computed; set with mode Static, and only then.
        first_token_seconds: Where tiers hold a prefix in several levels, the best is loaded with which the first token
            comes within this time of the request's arrival; null takes the first tier that has it.
    """

    version: Literal[1] = 1
    generation: int = Field(default=1, ge=1)
    mode: Mode = Mode.ADAPTIVE
    static_meeting_point: Fraction | None = None
    # Without it the text is what it was before there was any: another one would be a generation of its own.
    first_token_seconds: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, exclude_if=lambda seconds: seconds is None
    )

    @model_validator(mode="after")
    def _meeting_point_belongs_to_static(self) -> Self:
        if self.mode is Mode.STATIC and self.static_meeting_point is None:
            raise ValueError('mode Static needs "staticMeetingPoint", a fraction from 0 to 1')
        if self.mode is not Mode.STATIC and self.static_meeting_point is not None:
            raise ValueError(f'"staticMeetingPoint" is for mode Static: remove it, or set the mode ({self.mode} now)')
        return self


DocumentT = TypeVar("DocumentT", bound=_Document)


def parse(model: type[DocumentT], text: str | bytes, source: str) -> DocumentT:
    """Read one document.

    Args:
        model: `StaticConfig` or `LiveConfig`.
        text: JSON.
        source: Where the text is from, for the message.

    Raises:
        ConfigError: One sentence with every fault in it: where it is, what it is, what to write.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(_fault(model, dict(one)) for one in error.errors(include_url=False))
        raise ConfigError(f"{source}: {faults}.") from None


def read_static(path: str | Path) -> StaticConfig:
    """Read the static configuration file.

    Raises:
        ConfigError: It cannot be read or is not valid.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a readable file.") from None
    return parse(StaticConfig, text, str(path))


def _fault(model: type[_Document], error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the document"
    match error["type"]:
        case "extra_forbidden":
            return f"unknown field {where}{_suggestion(model, error['loc'])}"
        case "missing":
            return f"{where} is missing"
        case "json_invalid":
            return f"not JSON ({error['ctx']['error']})"
        case "value_error":
            return f"{where}: {error['ctx']['error']}"
    message = str(error["msg"])
    return f"{where}: {message[:1].lower()}{message[1:]} (found {error['input']!r:.80})"


def _suggestion(model: type[_Document], location: tuple[int | str, ...]) -> str:
    """The names that stand where an unknown one was found, the closest alone where one is close."""
    fields = {str(f.alias) for f in _model_at(model, location[:-1]).model_fields.values()}
    close = difflib.get_close_matches(str(location[-1]), fields, n=1)
    return f" (did you mean {close[0]}?)" if close else f" (there are {', '.join(sorted(fields))})"


def _model_at(model: type[_Document], location: tuple[int | str, ...]) -> type[_Document]:
    inner: dict[str, type[_Document]] = {"model": ModelIdentity, "tiers": TierConfig}
    return inner.get(str(location[0]), model) if location else model

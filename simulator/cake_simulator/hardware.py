"""What a fleet runs on: step times, KV sizes, memory, volumes and cold starts, with the source of each figure.

A profile is a YAML file; those of the folder `profiles` are known by their names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cake_simulator.device import Device
from cake_simulator.file_tier import TierSpeed

PROFILES = Path(__file__).with_name("profiles")


class HardwareError(ValueError):
    """A profile that cannot be used; its text says what to write instead."""


class Hardware(BaseModel):
    """One kind of replica.

    Attributes:
        description: What it is.
        sources: Where its figures are from, one sentence each.
        device: Seconds of a step.
        kv_bytes_per_token: Of all layers.
        kv_memory_bytes: Of the device, for KV.
        copy_bytes_per_second: From CPU memory to the device.
        claim: Of a shared volume, where nothing else is said.
        scratch: Of a node's own disk (an emptyDir).
        cold_start_seconds: From the wish for a replica until it is ready.
        step_tokens: Token budget of a step, where the deployment does not say.
        seats: Requests that run at once, where the deployment does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    sources: tuple[str, ...]
    device: Device
    kv_bytes_per_token: int = Field(gt=0)
    kv_memory_bytes: float = Field(gt=0)
    copy_bytes_per_second: float = Field(default=20e9, gt=0)
    claim: TierSpeed
    scratch: TierSpeed
    cold_start_seconds: float = Field(default=90.0, ge=0)
    step_tokens: int = Field(default=512, ge=1)
    seats: int = Field(default=256, ge=1)

    @field_validator("device", mode="before")
    @classmethod
    def _known_fields(cls, given: Any) -> Any:
        if isinstance(given, dict) and (unknown := given.keys() - Device.__dataclass_fields__.keys()):
            raise ValueError(f"device has no {min(unknown)}: write {', '.join(Device.__dataclass_fields__)}")
        return given

    @property
    def kv_tokens(self) -> int:
        """Tokens of KV that the device holds."""
        return int(self.kv_memory_bytes / self.kv_bytes_per_token)


def profiles() -> list[str]:
    """Names of the profiles that come with the simulator."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def load(name: str) -> Hardware:
    """Read a profile.

    Args:
        name: One of `profiles()`, or the path of a file.

    Raises:
        HardwareError: There is no such profile, or it breaks a rule.
    """
    path = PROFILES / f"{name}.yaml" if name in profiles() else Path(name)
    try:
        return Hardware.model_validate(yaml.safe_load(path.read_text()))
    except OSError:
        raise HardwareError(
            f"there is no hardware profile {name}: write the path of a file, or one of {', '.join(profiles())}"
        ) from None
    except (ValidationError, yaml.YAMLError) as error:
        raise HardwareError(f"{path}: {error}") from None

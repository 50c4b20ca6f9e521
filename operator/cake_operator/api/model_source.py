"""Which model is served, and where its weights come from."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field

from cake_operator.api.names import ObjectName, ServedName, SubPath
from cake_operator.api.rules import Rule, SpecPart, exactly_one
from cake_operator.api.secret_key import SecretKey

_REPO = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
_REVISION = r"[A-Za-z0-9][A-Za-z0-9._/-]*"


class ClaimSource(SpecPart):
    """Weights that lie on a PersistentVolumeClaim; the pods mount it read-only."""

    claim_name: ObjectName = Field(description="The claim, in the namespace of the CakeDeployment.")
    path: SubPath = Field(
        default=SubPath(""), description="The model's folder on the claim; empty for the claim's root."
    )


class HuggingFaceSource(SpecPart):
    """Weights that each pod downloads from the Hugging Face Hub when it starts."""

    repo: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="The repository, as in `HuggingFaceTB/SmolLM2-135M-Instruct`."
    )
    revision: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="A commit, tag or branch; the default branch if not set. A commit keeps stored KV blocks valid.",
    )
    token_secret_ref: SecretKey | None = Field(default=None, description="The access token of a gated repository.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"self.repo.matches(r'^{_REPO}$')",
            "repo is OWNER/NAME, as in HuggingFaceTB/SmolLM2-135M-Instruct, without an address in front",
            lambda part: re.fullmatch(_REPO, part.repo) is not None,
            ".repo",
        ),
        Rule(
            f"!has(self.revision) || self.revision.matches(r'^{_REVISION}$')",
            "revision is a commit, tag or branch: letters, digits, ., _, - and /, as in main or refs/pr/1",
            lambda part: part.revision is None or re.fullmatch(_REVISION, part.revision) is not None,
            ".revision",
        ),
    )


class ModelSource(SpecPart):
    """Where the weights come from: exactly one of the fields."""

    persistent_volume_claim: ClaimSource | None = Field(default=None, description="Weights on a claim.")
    hugging_face: HuggingFaceSource | None = Field(default=None, description="Weights from the Hugging Face Hub.")

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            ("persistentVolumeClaim", "huggingFace"),
            "a model has one source: write either persistentVolumeClaim or huggingFace",
        ),
    )


class ModelSpec(SpecPart):
    """The model that is served."""

    name: ServedName = Field(description="The name that clients write as `model` in their requests.")
    source: ModelSource = Field(description="Where the weights come from.")

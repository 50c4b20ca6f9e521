"""Multi-turn conversations over a document: a turn's prompt is all that was said so far, as a chat client sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from demo.documents import Document

QUESTIONS = (
    "What is this module for? Answer in one sentence.",
    "Which class or function would I use first, and why?",
    "What happens when it is given wrong input?",
    "What would you change about it?",
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A document and the answers given so far; the questions are the same for all.

    Attributes:
        document: What is talked about.
        answers: The model's answers to the first questions.
    """

    document: Document
    answers: tuple[str, ...] = ()

    def answered(self, text: str) -> Conversation:
        """Return the conversation one answer further."""
        return replace(self, answers=(*self.answers, text))

    def messages(self) -> list[dict[str, str]]:
        """Return the chat messages up to the next question.

        Raises:
            IndexError: There is no question left.
        """
        opening = f"{self.document.name}:\n\n{self.document.text}\n\n{QUESTIONS[0]}"
        messages = [{"role": "user", "content": opening}]
        for answer, question in zip(self.answers, QUESTIONS[1 : len(self.answers) + 1], strict=True):
            messages.append({"role": "assistant", "content": answer})
            messages.append({"role": "user", "content": question})
        return messages


class ChatFormat:
    """The model's own tokenizer and chat template, without loading the model."""

    def __init__(self, model_folder: Path) -> None:
        """Read both from a Hugging Face folder."""
        self._tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
        template = (model_folder / "chat_template.jinja").read_text(encoding="utf-8")
        environment: Any = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._template: Template = environment.from_string(template)

    def token_ends(self, text: str) -> list[int]:
        """Return where each token of a text ends, in characters."""
        return [end for _, end in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    def prompt(self, conversation: Conversation) -> str:
        """Return the text that the model continues with its next answer."""
        return self._template.render(messages=conversation.messages(), add_generation_prompt=True)


def prompts(form: ChatFormat, conversations: Sequence[Conversation]) -> list[str]:
    """Return the next turn's prompt of every conversation."""
    return [form.prompt(conversation) for conversation in conversations]

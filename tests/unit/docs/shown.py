"""What a page shows to be copied into a shell."""

import itertools
import re
import shlex
from pathlib import Path

from tests.unit.docs.test_links import prose


def commands(page: Path) -> list[str]:
    """The lines of a page's indented blocks, in lists, too, each with those that it is continued on."""
    blocks = re.findall(r"^ {4}(?: {4})?(\S(?:.*\\\n)*.*)$", prose(page), flags=re.MULTILINE)
    return [re.sub(r"\\\n *", "", block) for block in blocks]


def words(command: str) -> list[str]:
    """The words of a command line's first program: not what it is piped into or reads, and no comment."""
    return list(itertools.takewhile(lambda word: word not in ("|", "&", ">", "<"), shlex.split(command, comments=True)))

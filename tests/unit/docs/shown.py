"""What a page shows to be copied into a shell."""

import re
from pathlib import Path

from tests.unit.docs.test_links import prose


def commands(page: Path) -> list[str]:
    """The lines of a page's indented blocks, each with those that it is continued on."""
    blocks = re.findall(r"^ {4}(\S(?:.*\\\n)*.*)$", prose(page), flags=re.MULTILINE)
    return [re.sub(r"\\\n *", "", block) for block in blocks]

"""The console script `kubectl-cake`: says which packages it needs where they are not there."""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["main"]

EXTRA: Final = frozenset({"kubernetes", "rich", "urllib3"})


def main() -> int:
    """Answer one question of the command line."""
    try:
        from cake_operator.kubectl.main import main as answer  # noqa: PLC0415 (an extra of this package that may be missing)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in EXTRA:
            raise
        print(f"kubectl cake: {error.name} is not installed: pip install 'cake-operator[kubectl]'", file=sys.stderr)
        return 1
    return answer()


if __name__ == "__main__":
    sys.exit(main())

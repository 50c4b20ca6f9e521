"""What the API server says of what it refuses."""

from __future__ import annotations

from typing import Any, Self

import aiohttp
import orjson

__all__ = ["ApiError", "raise_for"]

Object = dict[str, Any]


class ApiError(Exception):
    """The API server refused a request, or could not be reached (`status` 0).

    Attributes:
        status: HTTP status.
        reason: The API's machine-readable reason: Conflict, Invalid, Forbidden, Expired, ...
        message: The API's sentence for a person.
        causes: What else the API says to programs: NamespaceTerminating, FieldValueInvalid, ...
    """

    def __init__(self, status: int, reason: str, message: str, causes: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.causes = causes
        self.status = status
        self.reason = reason
        self.message = message

    @classmethod
    def of(cls, status: Object) -> Self:
        """The error that a `Status` object describes."""
        code, reason = int(status.get("code") or 0), str(status.get("reason") or "Unknown")
        causes = (status.get("details") or {}).get("causes") or ()
        named = frozenset(str(one.get("reason") or "") for one in causes)
        return cls(code, reason, str(status.get("message") or reason), named)


async def raise_for(response: aiohttp.ClientResponse) -> None:
    """Raise what the API server says of a request that it refused; nothing where it did not.

    Raises:
        ApiError: It refused.
    """
    if response.status < 400:
        return
    text = await response.read()
    try:
        status = orjson.loads(text)
    except orjson.JSONDecodeError:
        status = {"message": text.decode(errors="replace")[:300]}
    raise ApiError.of({"reason": response.reason, **status, "code": response.status})

"""Why the API server did not give what was asked for, in a sentence with what to do. Pure."""

from __future__ import annotations

import json

from cake_operator.api import PLURAL

__all__ = ["refusal"]


def refusal(status: int, body: str, asked: str) -> str:
    """The sentence for an answer that is an error.

    Args:
        status: HTTP status; 0 where there was no answer.
        body: What the server sent with it.
        asked: What was asked for, as in "CakeDeployment chat in namespace team".
    """
    said = _message(body)
    if status == 404 and not said:  # the server knows no such path at all
        return (
            "this cluster has no CakeDeployments: install the chart (its CRD is missing), or choose another --context"
        )
    if status == 404:
        return f"there is no {asked}: `kubectl get {PLURAL} -A` lists what there is"
    if status == 401:
        return f"the API server does not accept your credentials: log in anew ({said or 'Unauthorized'})"
    if status == 403:
        return f"you may not read {asked}: ask for the role view of that namespace ({said or 'Forbidden'})"
    if status == 0:
        return f"the API server does not answer: {body}"
    return f"the API server refused to give {asked}: {said or f'HTTP {status}'}"


def _message(body: str) -> str:
    """The message of a Status object; empty where the body is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else ""

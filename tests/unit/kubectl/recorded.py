"""Objects as an API server gave them, shortened to what is read."""

import copy
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def condition(kind: str, status: str, reason: str, message: str, since: str = "2026-01-01T11:57:00Z") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


CHAT: Object = {
    "apiVersion": "cake.dev/v1alpha1",
    "kind": "CakeDeployment",
    "metadata": {"name": "chat", "namespace": "team-a", "generation": 4, "uid": "u"},
    "spec": {
        "model": {"name": "smollm2", "source": {"persistentVolumeClaim": {"claimName": "models", "path": "smollm2"}}},
        "kvTiers": [
            {"name": "memory", "memory": {}, "capacity": "4Gi", "codec": "Raw"},
            {"name": "scratch", "emptyDir": {}, "capacity": "20Gi", "codec": "Raw", "ttl": "1h"},
            {
                "name": "shared",
                "persistentVolumeClaim": {"claimName": "kv", "path": "chat"},
                "capacity": 107374182400,
                "codec": "Raw",
            },
            {"name": "made", "persistentVolumeClaim": {"template": {}, "path": ""}, "capacity": "1T", "codec": "Raw"},
        ],
        "tenant": "search",
        "slo": {"ttft": {"percentile": 95, "target": "1s"}, "interTokenLatency": {"percentile": 90, "target": "50ms"}},
        "scaling": {"minReplicas": 1, "maxReplicas": 4},
        "balance": {"mode": "Adaptive", "tuning": "Recommend"},
    },
    "status": {
        "observedGeneration": 4,
        "replicas": 3,
        "readyReplicas": 2,
        "conditions": [
            condition("Ready", "True", "PartlyServing", "2 of 3 pods take requests", "2025-12-30T12:00:00Z"),
            condition("Progressing", "False", "Unschedulable", "pod chat-7: 0/3 nodes: 3 Insufficient nvidia.com/gpu"),
            condition("SLOMet", "False", "Missed", "TTFT p95 is 1.4 s of 1 s"),
            condition("MetricsAvailable", "True", "Scraped", "Prometheus has figures of every ready pod"),
            condition("BalanceApplied", "Unknown", "Unknown", "no ready pod reports anything"),
            condition("TierDegraded", "False", "TiersUsable", "every tier's claim can be used"),
            condition("ReplicasContested", "False", "OneWriter", "nobody contradicts the number of replicas"),
        ],
        "slo": {"ttft": "1.4s", "state": "Missed"},
        "startup": {"longestSeconds": 95, "allowedSeconds": 1800},
        "scaling": {"desiredReplicas": 3, "reason": "TTFT p95 is 1.4 s of 1 s: one more", "valid": True},
        "balance": {
            "mode": "Adaptive",
            "generation": 7,
            "confirmedGeneration": 6,
            "retainFrom": 0.1,
            "meetingPoint": 0.35,
            "predictedMeetingPoint": 0.4,
            "reason": "recommended only: p10 of 50 meeting points is 0.20",
            "recommendation": {"retainFrom": 0.2, "loadBandwidth": {}, "writeBandwidth": {"shared": "1048576"}},
        },
    },
}
NEW: Object = {
    "metadata": {"name": "new", "namespace": "team-b", "generation": 1},
    "spec": {"model": {"name": "m"}, "kvTiers": [{"name": "memory", "memory": {}, "capacity": "4Gi"}], "replicas": 2},
}
EVENTS: list[Object] = [
    {
        "metadata": {"creationTimestamp": "2026-01-01T11:00:00Z"},
        "type": "Warning",
        "reason": "Unschedulable",
        "message": "pod chat-7: 3 Insufficient nvidia.com/gpu",
        "count": 3,
        "lastTimestamp": "2026-01-01T11:58:00Z",
    },
    {
        "metadata": {"creationTimestamp": "2026-01-01T11:50:00Z"},
        "type": "Normal",
        "reason": "Scaled",
        "message": "from 2 to 3 replicas: TTFT p95 is 1.4 s of 1 s: one more",
        "eventTime": None,
        "lastTimestamp": "2026-01-01T11:50:00Z",
    },
    {"metadata": {"creationTimestamp": "2026-01-01T11:55:00Z"}, "reason": "KnobsChanged", "lastTimestamp": None},
]


def chat(**status: Any) -> Object:
    """The recorded CakeDeployment with other fields in status."""
    changed = copy.deepcopy(CHAT)
    changed["status"] |= status
    return changed

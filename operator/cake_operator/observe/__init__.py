"""Prometheus to a FleetSnapshot: every figure with its age; absent, stale and NaN are values."""

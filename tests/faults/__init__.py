"""Faults on purpose: what the operator makes of a cluster that fails it. `make test-faults` runs them all."""

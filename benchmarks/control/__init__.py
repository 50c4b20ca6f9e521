"""The control plane on one simulator: the paper's tables, and scaling laws side by side on the same traffic.

`python -m benchmarks.control --trace FILE` writes docs/benchmarks/control.md, its figures and its plots.
"""

"""Tests that start engines of their own kind: each module runs in a process of its own.

vLLM keeps its parallel groups and the worker's connector in globals. An engine that is collected late takes them away
from the one that lives then, so a process can hold the engines of one module only.
"""

"""`make bench-core`: the pure plan on a virtual clock, against what was possible.

`worlds.py` says what compute and loads take, `virtual_clock.py` serves requests in such a world with the engine's own
plan, policy and cost models, `oracle.py` knows what would have been best.
"""

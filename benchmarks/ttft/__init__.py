"""`make bench-ttft`: time to the first token over a stored prefix, in a real vLLM, against the best that was possible.

`run.py` tells it from first to last; `grid.py` says what is played, `oracle.py` what would have been best.
"""

"""`make demo`: a serving fleet with Cake on one machine, measured and drawn. `run.py` tells it from first to last."""

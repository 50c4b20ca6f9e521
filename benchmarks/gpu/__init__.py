"""`make bench-gpu`: Cake on a device, with torch alone: real copies beside real compute, and no vLLM.

`filling.py` fills one prefix from both ends with the engine's own plan and cost models (`cake_engine.core`), reads by
the engine's own threads (`cake_engine.store`) and copies on a stream of their own (`device.py`); `model.py` is what
computes. `cells.py` says what is measured. On a machine without a GPU all of it runs on the processor, on a tiny model:
that says whether the harness is right, and nothing of GPUs.
"""

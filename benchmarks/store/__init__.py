"""`make bench-store`: what the file tier does on a real disk, and what it survives.

`cells.py` lists what is measured; each measurement has a module of its own and returns figures by name.
"""

"""A fleet of engines on a clock: the engine's plans and the operator's policies, the very same code, on traces.

Nothing here decides: `cake_engine.core` says what is computed and what is loaded, `cake_operator.policy` how many
replicas there are and how the knobs stand. Here is the world that they act on.
"""

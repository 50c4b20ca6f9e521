"""Cake inside vLLM: fill the KV cache of a stored prefix by computing from the front and loading from the back."""

"""KV blocks in files that many engines share: keys, file format, codecs, capacity, bandwidth. Imports no vLLM."""

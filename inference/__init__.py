"""The engines: models, weights, tokenizer, KV cache, scheduling, decoding.

Importing this package or `inference.local_engine` does not import torch: the engine thread imports it, so that a server
answers `initialize` at once.
"""

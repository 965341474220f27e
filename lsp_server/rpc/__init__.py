"""JSON-RPC over pygls: messages, frames, positions, and the documents that they keep up to date."""

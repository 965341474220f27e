"""JSON-RPC over pygls: frames, messages, parameters, positions, and the open documents."""

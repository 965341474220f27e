"""midspan/chat: what the model is asked, and its answer."""

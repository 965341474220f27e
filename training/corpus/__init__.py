"""The training text: pinned packages, the files that are kept, and the tokenizer that learns from them."""

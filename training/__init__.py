"""The recipe of the built-in model: data, tokenizer, training, export. See README.md."""

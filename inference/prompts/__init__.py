"""From text to token ids: model families, sentinels, templates, tokenizer, token healing."""

"""Model families, sentinels, templates, the tokenizer, token healing: all that turns text into token ids."""

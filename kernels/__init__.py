"""The operations, a file each: the torch reference, the Triton kernel, and the function that chooses.

The package imports torch and, where it can run, triton; no other package of Midspan. Shapes are named as in
DeepSeek-V2 (arXiv:2405.04434): T tokens, H heads (or the hidden size where there are no heads), R the latent
(`kv_lora_rank`), D the rotated key (`qk_rope_head_dim`), E experts, K experts per token, I an expert's inner size;
P pages of S slots of W numbers.
"""

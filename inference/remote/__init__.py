"""A model on a server that speaks the OpenAI-compatible API: SGLang, vLLM, llama-server, a platform.

Nothing is sent unless a setting names a server. `openai` is imported on the remote engine's thread.
"""

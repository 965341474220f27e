"""A model that runs on a server which speaks the OpenAI-compatible API: SGLang, vLLM, llama-server, a platform.

Nothing here is imported, and no byte is sent, unless a setting names a server. `openai` is imported on the remote
engine's thread.
"""

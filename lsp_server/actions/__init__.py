"""Code actions: what is offered where, and what each of them makes."""

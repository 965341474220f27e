"""Cases of next edits, made from successive releases of packages, and the figures of what is proposed in them."""

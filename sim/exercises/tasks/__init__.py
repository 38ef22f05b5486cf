"""The exercises themselves: one module each, with an `EXERCISE` in it."""

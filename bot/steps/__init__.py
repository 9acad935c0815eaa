"""The kinds of step, one module each: what begins, what it does, how it ends."""

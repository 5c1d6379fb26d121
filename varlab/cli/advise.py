"""``varlab advise``: what the theory says about one beta2."""

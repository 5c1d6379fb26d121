"""An audit as people read it: terminal, page, pictures."""

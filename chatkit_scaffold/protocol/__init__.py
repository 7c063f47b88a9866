"""A ChatKit client: what it sends, and what it can read of any answer."""

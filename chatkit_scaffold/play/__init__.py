"""A local page to chat with any ChatKit backend, and the proxy behind it."""

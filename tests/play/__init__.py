"""The play page: its server, and what it says about backends."""

"""Conversations in a relational database."""

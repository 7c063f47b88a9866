"""Answers with a model, through the Agents SDK."""

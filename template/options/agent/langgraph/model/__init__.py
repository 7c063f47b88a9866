"""Answers with a model, through LangGraph."""

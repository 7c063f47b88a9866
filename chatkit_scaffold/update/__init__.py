"""Brings a project to another version of the template, or to other answers."""

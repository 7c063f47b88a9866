"""The tests of the command, of the template and of every combination of its choices."""

"""The commands of `python -m app`.

Each module here is a command of the same name, without an underscore at its end. Its docstring is
the help text, `run` does the work, and `add_arguments`, if there is one, declares what follows the
command's name.
"""

"""Runs inside generated projects: imports their modules, or takes the place of one."""

"""Creates projects from the template."""

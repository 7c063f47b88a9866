"""Makes projects from the template."""

"""Updates of projects."""

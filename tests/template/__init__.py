"""Tests of the template and of the projects made from it."""

"""The checks of ChatKit backends: what they require, how they run, how they are reported."""

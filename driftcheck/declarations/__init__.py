"""Declarations: what the YAML files say."""

"""What was written: YAML files as declarations."""

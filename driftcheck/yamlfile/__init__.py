"""YAML text as values, positions and problems; independent of deployments."""

"""YAML text as values, positions and problems; knows nothing of deployments."""

"""driftcheck tells whether LangSmith Deployments are what their YAML says."""

__version__ = "0.1.0"

"""Everything that keeps secrets out of reports, snapshots and messages: formats, values, names, and secrets in use."""

"""The command line: flags to settings, a report to an exit status."""

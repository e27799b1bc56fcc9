"""The configuration that runs: versions out of the database, the file of the machine, and the way from one version to
the next while calls are up."""

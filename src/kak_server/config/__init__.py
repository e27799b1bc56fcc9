"""Configuration: a YAML file becomes frozen settings, or a list of readable problems with path and line."""

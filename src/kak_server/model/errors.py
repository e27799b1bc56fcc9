"""Errors that people read."""


class StartupError(Exception):
    """Something outside the program keeps it from starting: a taken port, a missing library, a locked folder.

    The text is one readable line that says what to do; the command line prints it and exits with 2.
    """

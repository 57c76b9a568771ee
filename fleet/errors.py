"""The root of every error that a person is meant to read."""


class HousingError(Exception):
    """What was asked for cannot be done; the text says why, what is allowed, or what to run.

    Every expected error of training, fleet and commands derives from it, and the command line
    prints it as one line; anything else is a fault of the program and keeps its traceback.
    """

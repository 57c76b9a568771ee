"""What all tests share."""

import signal

# Started in the background, as some CI systems do it, a process ignores Ctrl-C, and so would the
# programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

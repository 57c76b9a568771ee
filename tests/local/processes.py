"""Processes forked from one that has imported what takes seconds; a worker has one of those."""

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.local.preloaded"])

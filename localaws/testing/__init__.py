"""For tests and benchmarks against localaws: a server in a folder, and what to put there.

>>> aws = start_localaws(folder)                                        # doctest: +SKIP
>>> aws.session().client("sagemaker").list_endpoints()["Endpoints"]     # doctest: +SKIP
[]
>>> aws.stop()                                                          # doctest: +SKIP

``hosting``, ``jobs`` and ``stacks`` make the bucket, the role and the requests of a test;
``memory`` is what localaws keeps its data in, without a server.
"""

from localaws.testing.server import LocalAws, start_localaws, temporary_localaws

__all__ = ["LocalAws", "start_localaws", "temporary_localaws"]

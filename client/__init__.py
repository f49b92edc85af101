"""Outside: the ``pertitle`` command and the local stack. May import: domain, workflows, storage, workers."""

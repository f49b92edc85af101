"""Fixtures that several rooms share."""

pytest_plugins = [
    "tests.support.goldens",
    "tests.support.pieces",
    "tests.support.s3_server",
    "tests.support.temporal_server",
]

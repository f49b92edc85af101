"""The local stack: a real Temporal server, a real S3 server, the workers and the portal in one state folder."""

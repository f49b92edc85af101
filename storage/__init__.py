"""Objects: S3 through boto3, content-addressed results, the local cache, the release publisher. May import: domain."""

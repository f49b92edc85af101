"""Front door: reports over HTTP on the local stack. May import: domain, storage, client."""

"""The search: which trial encodes a shot needs so that its hull is known. Pure, deterministic, the same for all codecs."""

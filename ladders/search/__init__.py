"""The search: which trial encodes a shot needs so that its hull is known. Pure, deterministic, one for all codecs."""

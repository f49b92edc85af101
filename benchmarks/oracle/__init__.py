"""The oracle: every size at every CRF, encoded and measured on every frame, kept as a table that can be replayed."""

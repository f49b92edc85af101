"""Tests of the workflows: the real server, fake activities under the real names, histories replayed."""

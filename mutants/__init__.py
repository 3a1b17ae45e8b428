"""Seeded bugs: each is put into a copy of the source, and a test must notice."""

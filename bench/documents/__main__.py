"""`python -m bench.documents`."""

from bench.documents import update

update()

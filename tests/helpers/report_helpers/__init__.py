"""What the tests of the report share."""

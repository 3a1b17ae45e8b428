"""Speed and accuracy of neglog beside its peers: one process, one set of buffers, one table."""

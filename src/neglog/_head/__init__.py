"""The linear layer in front of the loss, for every array library: chunks, remainder, info."""
